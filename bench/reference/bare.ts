import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';

/*
 * Reference process: a grpc-js server without interceptors. Without arguments, it returns each message (bare echo). With
 * the ports of two such servers, it makes four sequential calls to them, alternately, before it answers (front of the
 * bare chain): as many internal calls as a CreateOrder makes. The process sends its port to the parent process.
 *
 * This file is pinned: ratios of different versions are comparable only while it does not change.
 */

const path = '/bench.Bare/Call';
const internalCalls = 4;
const identity = (value: Buffer): Buffer => value;

const service: ServiceDefinition = {
  Call: {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};

type Handler = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => void;

const echo: Handler = ({ request }, respond) => respond(null, request);

function front(leaves: readonly Client[]): Handler {
  return ({ request }, respond) => {
    const next = (call: number, body: Buffer): void => {
      if (call === internalCalls) return respond(null, body);
      leaves[call % leaves.length]?.makeUnaryRequest(path, identity, identity, body, (error, answer) => {
        if (error) respond(error);
        else next(call + 1, answer ?? body);
      });
    };
    next(0, request);
  };
}

const leaves = process.argv
  .slice(2)
  .map((port) => new Client(`127.0.0.1:${port}`, credentials.createInsecure()));
const server = new Server();
server.addService(service, { Call: leaves.length === 0 ? echo : front(leaves) });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
