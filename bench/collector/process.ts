import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

/* Collector that discards spans, so that the cost of exporting spans counts but not of storing them. */

const emptyMessage = Buffer.alloc(5);

const server = createServer().on('stream', (stream) => {
  stream.resume().once('end', () => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(emptyMessage);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
process.once('disconnect', () => process.exit());
