export { isClusterRunning, startCluster, type ClusterOptions, type EmbeddedCluster } from './cluster.js';
