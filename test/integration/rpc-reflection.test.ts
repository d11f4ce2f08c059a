import { createFileRegistry, fromBinary, type FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { create } from '@bufbuild/protobuf';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import {
  ServerReflectionClient,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../pkg/pb/grpc/reflection/v1/reflection.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import { handler, type BoundService, type ServiceDefinition } from '../../pkg/rpc/index.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

type Asked = NonNullable<ServerReflectionRequest['messageRequest']>;
type Told = NonNullable<ServerReflectionResponse['messageResponse']>;

const ours = ['catalog.v1.CatalogService', 'inventory.v1.InventoryService', 'order.v1.OrderService'];
const services = [...ours, 'payment.v1.PaymentService'];

/** A service that is listed and never called. */
function listed(definition: ServiceDefinition): BoundService {
  const uncalled = handler(
    () => undefined,
    () => Promise.reject(new Error('not called')),
  );
  const implementation = Object.fromEntries(Object.keys(definition).map((name) => [name, uncalled]));
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
      ].map(listed),
    });
    client = new ServerReflectionClient(server.address, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await server.close();
  });

  /** Asks everything on one stream, in order. */
  const ask = async (...questions: Asked[]): Promise<Told[]> => {
    const stream = client.serverReflectionInfo();
    for (const messageRequest of questions) stream.write({ host: '', messageRequest });
    stream.end();
    const answers: Told[] = [];
    for await (const { messageResponse } of stream as AsyncIterable<ServerReflectionResponse>)
      if (messageResponse) answers.push(messageResponse);
    return answers;
  };

  /** The files of an answer, which must be enough to link them. */
  const linked = (answer: Told | undefined): FileRegistry => {
    if (answer?.$case !== 'fileDescriptorResponse') return expect.fail(`got ${JSON.stringify(answer)}`);
    const file = answer.value.fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    return createFileRegistry(create(FileDescriptorSetSchema, { file: file.toReversed() }));
  };
  const bySymbol = async (symbol: string): Promise<FileRegistry> => {
    const [answer] = await ask({ $case: 'fileContainingSymbol', value: symbol });
    return linked(answer);
  };

  it('lists every service of the server', async () => {
    const [answer] = await ask({ $case: 'listServices', value: '' });
    expect(answer).to.deep.equal({
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
    it(`describes ${name}, its methods and their messages, with all that they import`, async () => {
      const service = (await bySymbol(name)).getService(name);
      expect(service?.methods, 'methods').not.to.have.length(0);
      for (const method of service?.methods ?? []) {
        expect((await bySymbol(`${name}.${method.name}`)).getService(name)).not.to.equal(undefined);
        for (const { typeName } of [method.input, method.output])
          expect((await bySymbol(typeName)).getMessage(typeName), typeName).not.to.equal(undefined);
      }
    });

  it('finds enums, nested messages and files by their names', async () => {
    const state = 'inventory.v1.ReservationState';
    expect((await bySymbol(state)).getEnum(state)).not.to.equal(undefined);
    const nested = 'google.rpc.BadRequest.FieldViolation';
    expect((await bySymbol(nested)).getMessage(nested)).not.to.equal(undefined);
    const [file] = await ask({ $case: 'fileByFilename', value: 'google/type/money.proto' });
    expect(linked(file).getMessage('google.type.Money')).not.to.equal(undefined);
  });

  it('answers each question of a stream, also after one it cannot answer', async () => {
    const answers = await ask(
      { $case: 'fileContainingSymbol', value: 'no.such.Symbol' },
      { $case: 'allExtensionNumbersOfType', value: 'order.v1.Order' },
      { $case: 'listServices', value: '' },
    );
    expect(answers.map(({ $case }) => $case)).to.deep.equal([
      'errorResponse',
      'errorResponse',
      'listServicesResponse',
    ]);
    expect(answers[0]).to.have.nested.property('value.errorCode', 5);
  });
});
