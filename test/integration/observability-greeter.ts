import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

// A service as another project may have it: no protobuf, no package of ours.

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

/** A method of each kind. */
export const greeter = {
  greet: method('Greet', false, false),
  greetAll: method('GreetAll', true, false),
  greetOften: method('GreetOften', false, true),
  chat: method('Chat', true, true),
} satisfies ServiceDefinition;
