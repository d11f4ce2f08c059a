import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';

/*
 * Child process that receives spans over OTLP and discards them, so that the measurement includes the cost of exporting
 * spans but not the cost of storing them. The process sends its port to the parent process.
 */

const identity = (value: Buffer): Buffer => value;
const emptyResponse = Buffer.alloc(0);

const traceService: ServiceDefinition = {
  Export: {
    path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};

const server = new Server({ 'grpc.max_receive_message_length': -1 });
server.addService(traceService, {
  Export: (_call: unknown, respond: (error: null, response: Buffer) => void) => respond(null, emptyResponse),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => server.forceShutdown());
