import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { anAuthorization, authorized, captured, usd } from './requests.js';
import { PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import type { PaymentClient } from './server.js';

type Line = Readonly<Record<string, unknown>>;

/** Runs the service in a child process with log level trace, and reads logs and spans from its standard output. */
class PaymentProcess {
  readonly #child;
  readonly #exited: Promise<unknown>;
  #hasExited = false;
  output = '';

  constructor(url: string, args: readonly string[] = []) {
    const imports = ['--import=tsx', '--import=./pkg/observability/register.ts'];
    this.#child = spawn(process.execPath, [...imports, 'cmd/payment-service/main.ts', ...args], {
      env: {
        ...process.env,
        DATABASE_URL: url,
        GRPC_PORT: '0',
        METRICS_PORT: '0',
        LOG_LEVEL: 'trace',
        OTEL_TRACES_EXPORTER: 'console',
        OTEL_BSP_SCHEDULE_DELAY: '100',
        // No coverage: the loader hook of the child process shifts source positions, so its coverage data would be wrong.
        NODE_V8_COVERAGE: undefined,
      },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    this.#exited = once(this.#child, 'close').then(() => {
      this.#hasExited = true;
    });
  }

  /** Returns the log lines with the given fields. */
  lines(fields: Line = {}): Line[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
  }

  /** @throws Error if the process exits before the condition is met */
  async until(condition: () => boolean, label: string): Promise<void> {
    const probe = (): boolean => {
      const isMet = condition();
      if (!isMet && this.#hasExited) throw new Error(`the service has exited:\n${this.output}`);
      return isMet;
    };
    await waitFor(probe, label, { timeoutMs: 60_000 });
  }

  async address(): Promise<string> {
    await this.until(() => this.lines({ msg: 'serving' }).length > 0, 'address');
    return String(this.lines({ msg: 'serving' })[0]?.['address']);
  }

  async end(signal?: 'SIGTERM'): Promise<number | null> {
    if (signal) this.#child.kill(signal);
    await this.#exited;
    return this.#child.exitCode;
  }
}

describe('payment service process', () => {
  let database: TestDatabase;
  let service: PaymentProcess;
  let client: PaymentClient;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
    service = new PaymentProcess(database.url);
    client = loneClient(PaymentServiceService, await service.address());
  });
  after(async () => {
    client.close();
    expect(await service.end('SIGTERM')).to.equal(0);
    await database.drop();
  });

  it('logs one line per payment change and per call, with the ids of payment and order', async () => {
    const { paymentId, orderId } = await captured(client);
    await client.refundPayment({ requestId: 'r', paymentId, amount: usd(300) });
    const changes = service.lines({ msg: 'payment changed', payment_id: paymentId });
    expect(changes.map((line) => [line['change'], line['state']])).to.deep.equal([
      ['AUTHORIZE', 'AUTHORIZED'],
      ['CAPTURE', 'CAPTURED'],
      ['REFUND', 'PARTIALLY_REFUNDED'],
    ]);
    for (const line of changes)
      expect(line).to.include({ level: 'info', order_id: orderId, total_amount: 1000, currency: 'USD' });
    const served = () => service.lines({ msg: 'call served', payment_id: paymentId });
    await service.until(() => served().length === 3, 'log line for each call');
    for (const line of served()) expect(line).to.include({ order_id: orderId });
  });

  it('keeps payment methods out of logs, spans, errors and responses', async () => {
    const secret = 'a7x3q9';
    const method = `pm_approve_${secret}`;
    const results = [
      await captured(client, { paymentMethod: method }),
      await client.authorizePayment(anAuthorization({ paymentMethod: `pm_unknown_${secret}` })),
      await expectReason(
        client.authorizePayment(anAuthorization({ paymentMethod: `pm_${secret}!` })),
        'VALIDATION_FAILED',
      ),
    ];
    const request = anAuthorization({ paymentMethod: method });
    await client.authorizePayment(request);
    results.push(
      await expectReason(
        client.authorizePayment({ ...request, paymentMethod: `${method}_other` }),
        'REQUEST_ID_REUSED',
      ),
      await expectReason(
        client.authorizePayment(anAuthorization({ paymentMethod: method, orderId: request.orderId })),
        'ILLEGAL_TRANSITION',
      ),
    );
    // Spans are exported in the sequence in which they end, so the spans of the earlier calls are exported before this span.
    const { paymentId } = await authorized(client, { paymentMethod: method });
    await service.until(() => service.output.includes(`'payment.id': '${paymentId}'`), 'last span');
    expect(service.output).to.contain(`'order.id': '${request.orderId}'`);
    expect(service.output).not.to.contain(secret);
    const resultsText = JSON.stringify(results, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(resultsText).not.to.contain(secret);
  });

  it('does not start with an outdated schema until --migrate updates the schema', async () => {
    const emptyDatabase = await createEmptyDatabase();
    const outdated = new PaymentProcess(emptyDatabase.url);
    expect(await outdated.end()).to.equal(1);
    expect(outdated.output).to.contain('node dist/cmd/payment-service/main.js --migrate');
    expect(await new PaymentProcess(emptyDatabase.url, ['--migrate']).end()).to.equal(0);
    const migrated = new PaymentProcess(emptyDatabase.url);
    await migrated.address();
    expect(await migrated.end('SIGTERM')).to.equal(0);
    await emptyDatabase.drop();
  });
});
