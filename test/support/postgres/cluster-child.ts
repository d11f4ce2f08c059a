import { startCluster } from '../../../pkg/postgres/embedded/index.js';

// A child process of cluster-process.ts: it starts or joins the cluster in the given directory, prints the port, and
// stops the cluster at the end of standard input.
const dataDir = process.argv[2];
if (dataDir === undefined) throw new Error('usage: cluster-child <data directory>');
const cluster = await startCluster({ dataDir, durable: false });
process.stdout.write(`${JSON.stringify({ port: cluster.port, adopted: cluster.adopted })}\n`);
process.stdin.resume().on('end', () => {
  void cluster.stop();
});
