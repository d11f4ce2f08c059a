import { createFileRegistry, fromBinary, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { create } from '@bufbuild/protobuf';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { CatalogServiceService } from '../../../pkg/pb/catalog/v1/catalog.js';
import {
  ServerReflectionClient,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../../pkg/pb/grpc/reflection/v1/reflection.js';
import { InventoryServiceService } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import { isBatchMethod } from '../../../pkg/observability/index.js';
import { batchOf, handler, type BoundService, type ServiceDefinition } from '../../../pkg/rpc/index.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

type ReflectionRequest = NonNullable<ServerReflectionRequest['messageRequest']>;
type ReflectionResponse = NonNullable<ServerReflectionResponse['messageResponse']>;

const services = [
  'catalog.v1.CatalogService',
  'inventory.v1.InventoryService',
  'order.v1.OrderService',
  'payment.v1.PaymentService',
];

/** Binds a service whose methods are never called. */
function unusedService(definition: ServiceDefinition): BoundService {
  const unused = handler(
    () => undefined,
    () => Promise.reject(new Error('not called')),
  );
  const [unary = ''] = Object.keys(definition);
  const implementation = Object.fromEntries(
    Object.entries(definition).map(([name, { path }]) => [
      name,
      isBatchMethod(path) ? batchOf(unary) : unused,
    ]),
  );
  return { definition, implementation };
}

describe('reflection', () => {
  let server: TestServer;
  let client: ServerReflectionClient;

  before(async () => {
    server = await startTestServer({
      services: [
        CatalogServiceService,
        InventoryServiceService,
        OrderServiceService,
        PaymentServiceService,
      ].map(unusedService),
    });
    client = new ServerReflectionClient(server.address, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await server.close();
  });

  /** Sends all requests on one stream. */
  const reflect = async (...requests: ReflectionRequest[]): Promise<ReflectionResponse[]> => {
    const stream = client.serverReflectionInfo();
    for (const messageRequest of requests) stream.write({ host: '', messageRequest });
    stream.end();
    const responses: ReflectionResponse[] = [];
    for await (const { messageResponse } of stream as AsyncIterable<ServerReflectionResponse>)
      if (messageResponse) responses.push(messageResponse);
    return responses;
  };

  /** Creates a registry from the files of a response; fails when an imported file is missing. */
  const registryOf = (response: ReflectionResponse | undefined): FileRegistry => {
    if (response?.$case !== 'fileDescriptorResponse') return expect.fail(`got ${JSON.stringify(response)}`);
    const file = response.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    return createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
  };
  const bySymbol = async (symbol: string): Promise<FileRegistry> => {
    const [response] = await reflect({ $case: 'fileContainingSymbol', value: symbol });
    return registryOf(response);
  };

  it('lists every service of the server', async () => {
    const [response] = await reflect({ $case: 'listServices', value: '' });
    expect(response).to.deep.equal({
      $case: 'listServicesResponse',
      value: {
        service: [
          'testing.v1.EchoService',
          ...services,
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
        ].map((name) => ({ name })),
      },
    });
  });

  for (const name of [...services, 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'])
    it(`describes ${name} with its methods, messages and imports`, async () => {
      const service = (await bySymbol(name)).getService(name);
      expect(service?.methods, 'methods').not.to.have.length(0);
      for (const method of service?.methods ?? []) {
        expect((await bySymbol(`${name}.${method.name}`)).getService(name)).not.to.equal(undefined);
        for (const { typeName } of [method.input, method.output])
          expect((await bySymbol(typeName)).getMessage(typeName), typeName).not.to.equal(undefined);
      }
    });

  it('finds enums, nested messages and files by name', async () => {
    const state = 'inventory.v1.ReservationState';
    expect((await bySymbol(state)).getEnum(state)).not.to.equal(undefined);
    const nested = 'google.rpc.BadRequest.FieldViolation';
    expect((await bySymbol(nested)).getMessage(nested)).not.to.equal(undefined);
    const [file] = await reflect({ $case: 'fileByFilename', value: 'google/type/money.proto' });
    expect(registryOf(file).getMessage('google.type.Money')).not.to.equal(undefined);
  });

  it('responds to each request of a stream, even after a request for an unknown symbol', async () => {
    const responses = await reflect(
      { $case: 'fileContainingSymbol', value: 'no.such.Symbol' },
      { $case: 'allExtensionNumbersOfType', value: 'order.v1.Order' },
      { $case: 'listServices', value: '' },
    );
    expect(responses.map(({ $case }) => $case)).to.deep.equal([
      'errorResponse',
      'errorResponse',
      'listServicesResponse',
    ]);
    expect(responses[0]).to.have.nested.property('value.errorCode', 5);
  });
});
