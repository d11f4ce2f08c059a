import { expect } from 'chai';
import { ConfigError, readSettings } from '../config/index.js';
import { tlsServerConfig, tlsServerSettings } from './tls-config.js';

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

describe('the configuration of mutual TLS', () => {
  it('is plain when nothing is given', () => {
    expect(load({}).tls).to.equal(undefined);
  });

  it('has the files and who may call', () => {
    const { tls, allowedClients } = load({ ...files, ...allowed });
    expect(tls).to.deep.equal({ cert: '/tls.crt', key: '/tls.key', ca: '/ca.crt' });
    expect([...allowedClients.keys()]).to.deep.equal(['test-client']);
  });

  it('names every file that is missing when one is given', () => {
    expect(problems({ ...allowed, TLS_KEY_FILE: '/tls.key' })).to.deep.equal([
      'TLS_CERT_FILE is required when another TLS file is given',
      'TLS_CA_FILE is required when another TLS file is given',
    ]);
  });

  it('refuses a server that nobody could call', () => {
    expect(problems(files)).to.deep.equal([
      'TLS_ALLOWED_CLIENTS is required with mutual TLS: nobody could call',
    ]);
  });

  it('refuses a list of clients that cannot be told apart without certificates', () => {
    expect(problems(allowed)).to.deep.equal([
      'TLS_ALLOWED_CLIENTS is given, but TLS_CERT_FILE, TLS_KEY_FILE and TLS_CA_FILE are not',
    ]);
  });

  it('names a method that no service of the system has', () => {
    const [problem] = problems({ ...files, TLS_ALLOWED_CLIENTS: 'a=order.v1.OrderService/CreatOrder' });
    expect(problem).to.match(/^TLS_ALLOWED_CLIENTS must be .*CreatOrder' of 'a' is no known method$/);
  });
});
