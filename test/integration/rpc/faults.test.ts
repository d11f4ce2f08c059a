import { expect } from 'chai';
import { openDatabase, sql, type Database } from '../../../pkg/postgres/index.js';
import { exampleMigrations } from '../../support/postgres/example.js';
import { expectReason } from '../../support/expect-reason.js';
import { startProxy, type Proxy } from '../../support/postgres/proxy.js';
import { createTestDatabase, testDatabaseConfig } from '../../support/postgres/test-database.js';
import { handler } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { validated } from '../../support/rpc/echo-service.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { Scope } from '../../../pkg/runtime/index.js';

const openAccount = sql('test.open_account', `insert into accounts (id, balance) values ($id, $balance)`);

describe('a service with a database', () => {
  const scope = new Scope();
  let db: Database;
  let proxy: Proxy;
  let server: TestServer;

  before(async () => {
    const { url, drop } = await createTestDatabase(exampleMigrations);
    scope.defer(drop);
    proxy = scope.use(await startProxy(url));
    db = scope.use(await openDatabase(testDatabaseConfig(proxy.url), { warn: () => undefined }));
    const openNegative = async (id: string): Promise<{ text: string }> => {
      await db.query(openAccount({ id, balance: -1n }));
      return { text: id };
    };
    server = scope.use(
      await startTestServer({
        handlers: {
          say: handler(validated, openNegative),
          repeat: handler(validated, async function* repeat(text) {
            yield await openNegative(text);
          }),
        },
      }),
    );
  });
  after(() => scope.close());
  beforeEach(() => void server.logs.splice(0));

  /** Waits for the log line of the failed call and returns all lines at warn or error. */
  const problems = async (status: string): Promise<TestServer['logs']> => {
    await server.logged('call served', { status });
    return server.logs.filter(({ level }) => level === 'warn' || level === 'error');
  };

  it('does not log the row that violates a constraint', async () => {
    await expectReason(server.client().say({ text: 'customer-4711' }), 'INTERNAL');
    const lines = await problems('INTERNAL');
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({ level: 'error', msg: 'call served' });
    expect(lines[0]).to.have.nested.property('err.code', '23514');
    expect(JSON.stringify(lines)).not.to.contain('customer-4711');
  });

  const calls = {
    unary: () => server.client().say({ text: 'a' }),
    streamed: () => allOf(server.client().repeat({ text: 'a' })),
  };
  for (const [kind, call] of Object.entries(calls)) {
    it(`logs one error with its causes for a ${kind} call that fails because the database is unavailable`, async () => {
      await proxy.close();
      await expectReason(call(), 'DEPENDENCY_UNAVAILABLE');
      const lines = await problems('UNAVAILABLE');
      expect(lines).to.have.length(1);
      const [line] = lines;
      expect(line).to.include({ level: 'error', msg: 'call served', details: 'the database is unavailable' });
      expect(line).to.have.nested.include({ 'err.type': 'AppError', 'err.reason': 'DEPENDENCY_UNAVAILABLE' });
      expect(line)
        .to.have.nested.property('err.stack')
        .that.matches(/the database is unavailable[^]*\ncaused by: .*(?:ECONN|Connection terminated)/);
      expect(JSON.stringify(lines)).not.to.contain(new URL(proxy.url).password);
    });
  }
});
