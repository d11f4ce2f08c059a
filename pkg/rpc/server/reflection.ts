import { readFileSync } from 'node:fs';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import {
  ServerReflectionService,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../pb/grpc/reflection/v1/reflection.js';
import { handler, implement, type BoundService } from '../definition.js';

const descriptorSet = new URL('../../pb/descriptor-set.binpb', import.meta.url);

function readDescriptors(): FileDescriptorProto[] {
  return fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSet)).file;
}

/** Returns the names of all methods in `api/proto`, such as `order.v1.OrderService/GetOrder`. */
export function protoMethods(): ReadonlySet<string> {
  const methods = readDescriptors().flatMap((file) =>
    file.service.flatMap((service) =>
      service.method.map(({ name }) => `${file.package}.${service.name}/${name}`),
    ),
  );
  return new Set(methods);
}

/** Creates the `grpc.reflection.v1` service, with which tools such as grpcurl work without proto files. */
export function reflectionService(serviceNames: readonly string[]): BoundService {
  const index = loadIndex();
  return implement(ServerReflectionService, {
    serverReflectionInfo: handler(
      (requests: AsyncIterable<ServerReflectionRequest>) => requests,
      async function* respondToAll(requests) {
        for await (const request of requests) yield respond(request, index, serviceNames);
      },
    ),
  });
}

interface DescriptorIndex {
  readonly byFile: ReadonlyMap<string, FileDescriptorProto>;
  readonly bySymbol: ReadonlyMap<string, FileDescriptorProto>;
}

function loadIndex(): DescriptorIndex {
  const files = readDescriptors();
  const bySymbol = files.flatMap((file) => symbolsOf(file).map((symbol) => [symbol, file] as const));
  return { byFile: new Map(files.map((file) => [file.name, file])), bySymbol: new Map(bySymbol) };
}

function symbolsOf(file: FileDescriptorProto): string[] {
  const members = [
    ...file.service.flatMap(({ name, method }) => [name, ...qualified(name, method)]),
    ...file.messageType.flatMap(messageSymbols),
    ...file.enumType.map(({ name }) => name),
  ];
  return file.package === '' ? members : members.map((name) => `${file.package}.${name}`);
}

function messageSymbols({ name, nestedType, enumType }: DescriptorProto): string[] {
  const nested = nestedType.flatMap(messageSymbols).map((inner) => `${name}.${inner}`);
  return [name, ...nested, ...qualified(name, enumType)];
}

function qualified(outer: string, members: readonly { readonly name: string }[]): string[] {
  return members.map(({ name }) => `${outer}.${name}`);
}

function respond(
  request: ServerReflectionRequest,
  index: DescriptorIndex,
  serviceNames: readonly string[],
): ServerReflectionResponse {
  const withBody = (
    messageResponse: ServerReflectionResponse['messageResponse'],
  ): ServerReflectionResponse => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse,
  });
  const { messageRequest } = request;
  switch (messageRequest?.$case) {
    case 'listServices':
      return withBody({
        $case: 'listServicesResponse',
        value: { service: serviceNames.map((name) => ({ name })) },
      });
    case 'fileByFilename':
      return withBody(fileDescriptors(index.byFile.get(messageRequest.value), index));
    case 'fileContainingSymbol':
      return withBody(fileDescriptors(index.bySymbol.get(messageRequest.value), index));
    default:
      return withBody(failure(status.UNIMPLEMENTED, 'extensions are not supported'));
  }
}

function fileDescriptors(
  file: FileDescriptorProto | undefined,
  index: DescriptorIndex,
): ServerReflectionResponse['messageResponse'] {
  if (!file) return failure(status.NOT_FOUND, 'no such file or symbol');
  const files = [...withImports(file, index, new Set())].toReversed();
  const fileDescriptorProto = files.map((descriptor) =>
    Buffer.from(toBinary(FileDescriptorProtoSchema, descriptor)),
  );
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function failure(errorCode: number, errorMessage: string): ServerReflectionResponse['messageResponse'] {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } };
}

/** Returns the files in the sequence in which a client can load them: each file after its imports. */
function withImports(file: FileDescriptorProto, index: DescriptorIndex, seen: Set<FileDescriptorProto>) {
  for (const name of file.dependency) {
    const imported = index.byFile.get(name);
    if (imported && !seen.has(imported)) withImports(imported, index, seen);
  }
  seen.add(file);
  return seen;
}
