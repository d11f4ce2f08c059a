import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';

/*
 * Takes spans over OTLP and forgets them, in a process of its own: what is measured is the cost of
 * sending spans, not of keeping them. Tells its parent the port it listens on.
 */

const bytes = (value: Buffer): Buffer => value;
const nothing = Buffer.alloc(0);

const traceService: ServiceDefinition = {
  Export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  },
};

const server = new Server({ 'grpc.max_receive_message_length': -1 });
server.addService(traceService, {
  Export: (_call: unknown, respond: (error: null, answer: Buffer) => void) => respond(null, nothing),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => server.forceShutdown());
