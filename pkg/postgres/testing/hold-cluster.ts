import { startCluster } from '../embedded/index.js';

// A process for tests to kill: starts a cluster in the directory given, says where, and waits.
const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('usage: hold-cluster <data directory>');
const cluster = await startCluster({ dataDir, durable: false });
process.stdout.write(`${JSON.stringify({ port: cluster.port, adopted: cluster.adopted })}\n`);
process.stdin.resume().on('end', () => {
  void cluster.stop();
});
