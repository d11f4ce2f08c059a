import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describeSettings, loadEnvironment, readSettings } from '../../../pkg/config/index.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { OrderServiceService } from '../../../pkg/pb/order/v1/order.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { processSettings } from '../../support/process-settings.js';

const secret = 's3cret';

/** Valid and invalid URLs that contain the secret. */
const secretValues = [
  `postgres://shop:${secret}@127.0.0.1:1/orders?sslmode=disable&password=${secret}`,
  `http://shop:${secret}@127.0.0.1:1/?token=${secret}`,
  `postgres//shop:${secret}@127.0.0.1`,
  `postgres://shop:${secret}@127.0.0.1:port`,
  `shop:${secret}@127.0.0.1`,
  secret,
];

describe('secret settings', () => {
  for (const [name, settings] of Object.entries(processSettings)) {
    it(`of ${name} are marked as secret`, () => {
      const unmarked = Object.entries(settings).filter(
        ([variable, setting]) =>
          /URL$|ENDPOINT$|PASSWORD|SECRET|TOKEN|API_KEY/.test(variable) && !setting.secret,
      );
      expect(unmarked.map(([variable]) => variable)).to.deep.equal([]);
    });

    for (const [variable, setting] of Object.entries(settings)) {
      if (!setting.secret) continue;
      it(`are hidden when ${variable} of ${name} is printed or rejected`, async () => {
        for (const value of secretValues) {
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

describe('process output', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(orderMigrations);
  });
  after(() => database.drop());

  interface FailedStart {
    readonly cause: string;
    readonly args?: readonly string[];
    readonly env: () => Readonly<Record<string, string>>;
  }

  const collectors = {
    LOG_LEVEL: 'trace',
    OTEL_TRACES_EXPORTER: 'otlp,jaeger',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://shop:${secret}@127.0.0.1:1`,
    OTEL_EXPORTER_JAEGER_ENDPOINT: `http://shop:${secret}@127.0.0.1:1/api/traces?token=${secret}`,
  };
  const failedStarts: readonly FailedStart[] = [
    {
      cause: 'a wrong password',
      env: () => ({ DATABASE_URL: Object.assign(new URL(database.url), { password: secret }).href }),
    },
    {
      cause: 'a wrong password for --migrate',
      args: ['--migrate'],
      env: () => ({ DATABASE_URL: Object.assign(new URL(database.url), { password: secret }).href }),
    },
    {
      cause: 'an unreachable database',
      env: () => ({ DATABASE_URL: secretValues[0] ?? '', DATABASE_CONNECT_TIMEOUT: '200ms', ...collectors }),
    },
    { cause: 'a database URL without a scheme', env: () => ({ DATABASE_URL: secretValues[2] ?? '' }) },
    {
      cause: 'a database URL with an invalid port',
      args: ['--check-config'],
      env: () => ({ DATABASE_URL: secretValues[3] ?? '' }),
    },
  ];

  const start = (env: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const main = fileURLToPath(new URL('../../../cmd/order-service/main.ts', import.meta.url));
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

  for (const { cause, args = [], env } of failedStarts)
    it(`hides the secret when ${cause} prevents the start`, async () => {
      const { code, output } = await start(env(), ...args).ended;
      expect(code, output).to.equal(1);
      expect(output).to.not.equal('');
      expect(output).not.to.contain(secret);
    });

  it('hides the secrets in the URLs of unreachable collectors', async () => {
    const service = start({ DATABASE_URL: database.url, ...collectors });
    const address = (): string | undefined =>
      /"address":"([^"]+)","msg":"serving"/.exec(service.output())?.[1];
    await waitFor(() => address() !== undefined, 'serving line of the service');
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
