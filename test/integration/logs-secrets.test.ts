import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describeSettings, loadEnvironment, readSettings } from '../../pkg/config/index.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { processSettings } from '../process-settings.js';

const secret = 's3cret';

/** Ways to write a secret into a setting, right and wrong. */
const spellings = [
  `postgres://shop:${secret}@127.0.0.1:1/orders?sslmode=disable&password=${secret}`,
  `http://shop:${secret}@127.0.0.1:1/?token=${secret}`,
  `postgres//shop:${secret}@127.0.0.1`,
  `postgres://shop:${secret}@127.0.0.1:port`,
  `shop:${secret}@127.0.0.1`,
  secret,
];

describe('secrets of the configuration', () => {
  for (const [name, settings] of Object.entries(processSettings)) {
    it(`of ${name} are marked as such`, () => {
      const unmarked = Object.entries(settings).filter(
        ([variable, setting]) =>
          /URL$|ENDPOINT$|PASSWORD|SECRET|TOKEN|API_KEY/.test(variable) && !setting.secret,
      );
      expect(unmarked.map(([variable]) => variable)).to.deep.equal([]);
    });

    for (const [variable, setting] of Object.entries(settings)) {
      if (!setting.secret) continue;
      it(`are not told when ${variable} of ${name} is described or refused`, async () => {
        for (const value of spellings) {
          const env = { [variable]: value };
          expect(describeSettings(env, settings).join('\n'), value).not.to.contain(secret);
          expect(await failureOf(() => readSettings(env, { [variable]: setting })), value).not.to.contain(
            secret,
          );
        }
      });
    }
  }
});

describe('a process that fails over a secret', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(orderMigrations);
  });
  after(() => database.drop());

  interface Failure {
    readonly what: string;
    readonly args?: readonly string[];
    readonly env: () => Readonly<Record<string, string>>;
  }

  const collectors = {
    LOG_LEVEL: 'trace',
    OTEL_TRACES_EXPORTER: 'otlp,jaeger',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://shop:${secret}@127.0.0.1:1`,
    OTEL_EXPORTER_JAEGER_ENDPOINT: `http://shop:${secret}@127.0.0.1:1/api/traces?token=${secret}`,
  };
  const failures: readonly Failure[] = [
    {
      what: 'with a wrong password',
      env: () => ({ DATABASE_URL: Object.assign(new URL(database.url), { password: secret }).href }),
    },
    {
      what: 'with a wrong password while it migrates',
      args: ['--migrate'],
      env: () => ({ DATABASE_URL: Object.assign(new URL(database.url), { password: secret }).href }),
    },
    {
      what: 'with a database that cannot be reached',
      env: () => ({ DATABASE_URL: spellings[0] ?? '', DATABASE_CONNECT_TIMEOUT: '200ms', ...collectors }),
    },
    { what: 'with a value that is none', env: () => ({ DATABASE_URL: spellings[2] ?? '' }) },
    {
      what: 'with a URL that cannot be read',
      args: ['--check-config'],
      env: () => ({ DATABASE_URL: spellings[3] ?? '' }),
    },
  ];

  const start = (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const main = fileURLToPath(new URL('../../cmd/order-service/main.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--import=tsx', '--import=./pkg/observability/register.ts', main, ...args],
      { env: { ...loadEnvironment(), GRPC_PORT: '0', METRICS_PORT: '0', ...env } },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const ended = once(child, 'close').then(([code]) => ({ code: Number(code), output }));
    return { child, ended, output: () => output };
  };

  for (const { what, args = [], env } of failures)
    it(`does not tell it: ${what}`, async () => {
      const { code, output } = await start(env(), ...args).ended;
      expect(code, output).to.equal(1);
      expect(output).to.not.equal('');
      expect(output).not.to.contain(secret);
    });

  it('does not tell it: with collectors that cannot be reached', async () => {
    const service = start({ DATABASE_URL: database.url, ...collectors });
    const address = (): string | undefined =>
      /"address":"([^"]+)","msg":"serving"/.exec(service.output())?.[1];
    await waitFor(() => address() !== undefined, 'the service');
    const client = loneClient(OrderServiceService, address() ?? '');
    await failureOf(() => client.getOrder({ orderId: uuidv7(), customerId: '' }));
    client.close();
    service.child.kill('SIGTERM');
    const { code, output } = await service.ended;
    expect(code, output).to.equal(0);
    expect(output).to.contain('spans cannot be exported').and.not.to.contain(secret);
  });
});

async function failureOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return '';
  } catch (error) {
    return String(error);
  }
}
