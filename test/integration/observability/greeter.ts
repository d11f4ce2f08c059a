import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

// A gRPC service as in another project: it uses neither protobuf nor packages of this repository.

export interface Text {
  readonly text: string;
}

type Method = MethodDefinition<Text, Text>;

const serialize = (value: Text): Buffer => Buffer.from(JSON.stringify(value));
const deserialize = (bytes: Buffer): Text => JSON.parse(bytes.toString()) as Text;

function method(name: string, requestStream: boolean, responseStream: boolean): Method {
  return {
    path: `/acme.greeting.Greeter/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

/** A unary method and one method for each kind of stream. */
export const greeter = {
  greet: method('Greet', false, false),
  greetAll: method('GreetAll', true, false),
  greetOften: method('GreetOften', false, true),
  chat: method('Chat', true, true),
} satisfies ServiceDefinition;
