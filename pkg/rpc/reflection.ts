import { toBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  type DescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import {
  ServerReflectionService,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../pb/grpc/reflection/v1/reflection.js';
import { handler, implement, type BoundService } from './definition.js';
import { readDescriptors } from './descriptors.js';

/** Serves `grpc.reflection.v1`, so that grpcurl and its like need no proto files. */
export function reflectionService(serviceNames: readonly string[]): BoundService {
  const index = loadIndex();
  return implement(ServerReflectionService, {
    serverReflectionInfo: handler(
      (requests: AsyncIterable<ServerReflectionRequest>) => requests,
      async function* answerAll(requests) {
        for await (const request of requests) yield answer(request, index, serviceNames);
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
    ...file.service.flatMap(({ name, method }) => [name, ...within(name, method)]),
    ...file.messageType.flatMap(messageSymbols),
    ...file.enumType.map(({ name }) => name),
  ];
  return file.package === '' ? members : members.map((name) => `${file.package}.${name}`);
}

function messageSymbols({ name, nestedType, enumType }: DescriptorProto): string[] {
  const nested = nestedType.flatMap(messageSymbols).map((inner) => `${name}.${inner}`);
  return [name, ...nested, ...within(name, enumType)];
}

function within(outer: string, members: readonly { readonly name: string }[]): string[] {
  return members.map(({ name }) => `${outer}.${name}`);
}

function answer(
  request: ServerReflectionRequest,
  index: DescriptorIndex,
  serviceNames: readonly string[],
): ServerReflectionResponse {
  const reply = (messageResponse: ServerReflectionResponse['messageResponse']): ServerReflectionResponse => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse,
  });
  const asked = request.messageRequest;
  switch (asked?.$case) {
    case 'listServices':
      return reply({
        $case: 'listServicesResponse',
        value: { service: serviceNames.map((name) => ({ name })) },
      });
    case 'fileByFilename':
      return reply(describe(index.byFile.get(asked.value), index));
    case 'fileContainingSymbol':
      return reply(describe(index.bySymbol.get(asked.value), index));
    default:
      return reply(failure(status.UNIMPLEMENTED, 'extensions are not used by this system'));
  }
}

function describe(
  file: FileDescriptorProto | undefined,
  index: DescriptorIndex,
): ServerReflectionResponse['messageResponse'] {
  if (!file) return failure(status.NOT_FOUND, 'no such file or symbol');
  const files = [...withImports(file, index, new Set())];
  const fileDescriptorProto = files.map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, one)));
  return { $case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function failure(errorCode: number, errorMessage: string): ServerReflectionResponse['messageResponse'] {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } };
}

function withImports(file: FileDescriptorProto, index: DescriptorIndex, seen: Set<FileDescriptorProto>) {
  seen.add(file);
  for (const name of file.dependency) {
    const imported = index.byFile.get(name);
    if (imported && !seen.has(imported)) withImports(imported, index, seen);
  }
  return seen;
}
