import { expect } from 'chai';
import { ConfigError, readSettings } from '../../config/index.js';
import { parseAllowedClients, tlsServerConfig, tlsServerSettings } from './config.js';

const load = (env: Record<string, string>) => tlsServerConfig(readSettings(env, tlsServerSettings));
const files = { TLS_CERT_FILE: '/tls.crt', TLS_KEY_FILE: '/tls.key', TLS_CA_FILE: '/ca.crt' };
const allowed = { TLS_ALLOWED_CLIENTS: 'test-client=*' };

const problems = (env: Record<string, string>): readonly string[] => {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('tlsServerConfig', () => {
  it('returns no TLS files without settings', () => {
    expect(load({}).tls).to.equal(undefined);
  });

  it('returns the TLS files and the allowed clients', () => {
    const { tls, allowedClients } = load({ ...files, ...allowed });
    expect(tls).to.deep.equal({ cert: '/tls.crt', key: '/tls.key', ca: '/ca.crt' });
    expect([...allowedClients.keys()]).to.deep.equal(['test-client']);
  });

  it('reports the missing settings when only some files are set', () => {
    expect(problems({ ...allowed, TLS_KEY_FILE: '/tls.key' })).to.deep.equal([
      'TLS_CERT_FILE is required when another TLS file is set',
      'TLS_CA_FILE is required when another TLS file is set',
    ]);
  });

  it('rejects TLS files without allowed clients', () => {
    expect(problems(files)).to.deep.equal(['TLS_ALLOWED_CLIENTS is required with mutual TLS']);
  });

  it('rejects allowed clients without TLS files', () => {
    expect(problems(allowed)).to.deep.equal([
      'TLS_ALLOWED_CLIENTS is set without TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE',
    ]);
  });

  it('reports an unknown method', () => {
    const [problem] = problems({ ...files, TLS_ALLOWED_CLIENTS: 'a=order.v1.OrderService/CreatOrder' });
    expect(problem).to.match(/^TLS_ALLOWED_CLIENTS must be .*CreatOrder' of 'a' is not a known method$/);
  });
});

const known = new Set([
  'order.v1.OrderService/CreateOrder',
  'order.v1.OrderService/GetOrder',
  'inventory.v1.InventoryService/GetStock',
]);
const parse = (text: string) =>
  Object.fromEntries(
    [...parseAllowedClients(text, known)].map(([client, methods]) => [client, [...methods]]),
  );

describe('parseAllowedClients', () => {
  it('accepts all methods, all methods of a service, or single methods for a client', () => {
    expect(
      parse('gateway=order.v1.OrderService/CreateOrder,inventory.v1.InventoryService/*;test-client=*'),
    ).to.deep.equal({
      gateway: ['order.v1.OrderService/CreateOrder', 'inventory.v1.InventoryService/*'],
      'test-client': ['*'],
    });
  });

  it('accepts newlines and spaces', () => {
    expect(
      parse(
        '\n  gateway = order.v1.OrderService/GetOrder , order.v1.OrderService/CreateOrder\n  test-client = * ;\n',
      ),
    ).to.deep.equal({
      gateway: ['order.v1.OrderService/GetOrder', 'order.v1.OrderService/CreateOrder'],
      'test-client': ['*'],
    });
  });

  it('normalizes DNS names, but not URIs, to lower case', () => {
    expect(Object.keys(parse('Order-Service.shop.SVC=*;spiffe://Shop/ns/a/sa/b=*'))).to.deep.equal([
      'order-service.shop.svc',
      'spiffe://Shop/ns/a/sa/b',
    ]);
  });

  it('returns an empty map for a blank list', () => {
    expect(parse('')).to.deep.equal({});
    expect(parse(' ; \n')).to.deep.equal({});
  });

  const invalidLists: Record<string, string> = {
    'gateway=order.v1.OrderService/CreatOrder':
      "'order.v1.OrderService/CreatOrder' of 'gateway' is not a known method",
    'gateway=order.v1.OrdersService/*': "'order.v1.OrdersService/*' of 'gateway' is not a known method",
    'gateway=order.v1.OrderService': "'order.v1.OrderService' of 'gateway' is not a known method",
    'gateway=order.v1.*': "'order.v1.*' of 'gateway' is not a known method",
    'gateway=/*': "'/*' of 'gateway' is not a known method",
    'gateway=**': "'**' of 'gateway' is not a known method",
    'gateway=a=*': "'a=*' of 'gateway' is not a known method",
    'gateway=': "'gateway' has an empty method",
    'gateway=*,': "'gateway' has an empty method",
    gateway: "'gateway' has an empty method",
    '=*': "'' is neither a DNS name nor a URI",
    '*=*': "'*' is neither a DNS name nor a URI",
    '*.shop=*': "'*.shop' is neither a DNS name nor a URI",
    'a b=*': "'a b' is neither a DNS name nor a URI",
    'a_b=*': "'a_b' is neither a DNS name nor a URI",
    'a=*;A=*': "'a' is listed twice",
  };
  for (const [text, problem] of Object.entries(invalidLists))
    it(`rejects ${JSON.stringify(text)} because ${problem}`, () => {
      expect(() => parse(text))
        .to.throw(/^must be client=method/)
        .with.property('message')
        .that.includes(problem);
    });

  it('reports all problems at once', () => {
    expect(() => parse('a b=*;gateway=x,y')).to.throw(/'a b' is neither.*'x' of 'gateway'.*'y' of 'gateway'/);
  });
});
