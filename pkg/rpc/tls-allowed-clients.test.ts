import { expect } from 'chai';
import { parseAllowedClients } from './tls-allowed-clients.js';

const known = new Set([
  'order.v1.OrderService/CreateOrder',
  'order.v1.OrderService/GetOrder',
  'inventory.v1.InventoryService/GetStock',
]);
const parse = (text: string) =>
  Object.fromEntries(
    [...parseAllowedClients(text, known)].map(([client, methods]) => [client, [...methods]]),
  );

describe('the list of allowed clients', () => {
  it('names what each client may call: everything, a service or a method', () => {
    expect(
      parse('gateway=order.v1.OrderService/CreateOrder,inventory.v1.InventoryService/*;test-client=*'),
    ).to.deep.equal({
      gateway: ['order.v1.OrderService/CreateOrder', 'inventory.v1.InventoryService/*'],
      'test-client': ['*'],
    });
  });

  it('may have a line for each client, and space for the eye', () => {
    expect(
      parse(
        '\n  gateway = order.v1.OrderService/GetOrder , order.v1.OrderService/CreateOrder\n  test-client = * ;\n',
      ),
    ).to.deep.equal({
      gateway: ['order.v1.OrderService/GetOrder', 'order.v1.OrderService/CreateOrder'],
      'test-client': ['*'],
    });
  });

  it('knows clients by DNS names, which have no case, and by URIs, which have', () => {
    expect(Object.keys(parse('Order-Service.shop.SVC=*;spiffe://Shop/ns/a/sa/b=*'))).to.deep.equal([
      'order-service.shop.svc',
      'spiffe://Shop/ns/a/sa/b',
    ]);
  });

  it('is empty when nothing is given', () => {
    expect(parse('')).to.deep.equal({});
    expect(parse(' ; \n')).to.deep.equal({});
  });

  const wrong: Record<string, string> = {
    'gateway=order.v1.OrderService/CreatOrder':
      "'order.v1.OrderService/CreatOrder' of 'gateway' is no known method",
    'gateway=order.v1.OrdersService/*': "'order.v1.OrdersService/*' of 'gateway' is no known method",
    'gateway=order.v1.OrderService': "'order.v1.OrderService' of 'gateway' is no known method",
    'gateway=order.v1.*': "'order.v1.*' of 'gateway' is no known method",
    'gateway=/*': "'/*' of 'gateway' is no known method",
    'gateway=**': "'**' of 'gateway' is no known method",
    'gateway=a=*': "'a=*' of 'gateway' is no known method",
    'gateway=': "'gateway' has an empty method",
    'gateway=*,': "'gateway' has an empty method",
    gateway: "'gateway' has an empty method",
    '=*': "'' is neither a DNS name nor a URI",
    '*=*': "'*' is neither a DNS name nor a URI",
    '*.shop=*': "'*.shop' is neither a DNS name nor a URI",
    'a b=*': "'a b' is neither a DNS name nor a URI",
    'a_b=*': "'a_b' is neither a DNS name nor a URI",
    'a=*;A=*': "'a' is given twice",
  };
  for (const [text, problem] of Object.entries(wrong))
    it(`is refused as ${JSON.stringify(text)}: ${problem}`, () => {
      expect(() => parse(text))
        .to.throw(/^must be client=method/)
        .with.property('message')
        .that.includes(problem);
    });

  it('tells everything that is wrong at once', () => {
    expect(() => parse('a b=*;gateway=x,y')).to.throw(/'a b' is neither.*'x' of 'gateway'.*'y' of 'gateway'/);
  });
});
