import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
} from '../../pkg/postgres/testing/test-database.js';
import { anAuthorization, authorized, captured, usd } from './payment-requests.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import type { PaymentClient } from './payment-server.js';

type Line = Readonly<Record<string, unknown>>;

/** The service as its own process, everything logged, with spans on its standard output. */
class PaymentProcess {
  readonly #child;
  readonly #exited: Promise<unknown>;
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
        // The loader hook shifts what is covered, and the counts of this process with it.
        NODE_V8_COVERAGE: undefined,
      },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    this.#exited = once(this.#child, 'close');
  }

  /** Its log lines so far. */
  lines(fields: Line = {}): Line[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{"level"'))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
  }

  /** Waits for its output to be so, at most as long as it runs. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const isRunning = await Promise.race([
        once(this.#child.stdout, 'data'),
        this.#exited.then(() => false),
      ]);
      if (isRunning === false) throw new Error(`the service has ended:\n${this.output}`);
    }
  }

  async address(): Promise<string> {
    await this.until(() => this.lines({ msg: 'serving' }).length > 0);
    return String(this.lines({ msg: 'serving' })[0]?.['address']);
  }

  async end(signal?: 'SIGTERM'): Promise<number | null> {
    if (signal) this.#child.kill(signal);
    await this.#exited;
    return this.#child.exitCode;
  }
}

describe('the payment service as a process', () => {
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

  it('logs each change of a payment in one line that names it', async () => {
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
    await service.until(() => served().length === 3);
    for (const line of served()) expect(line).to.include({ order_id: orderId });
  });

  it('shows a payment method to nobody: not in logs, spans, errors or answers', async () => {
    const secret = 'a7x3q9';
    const method = `pm_approve_${secret}`;
    const answers = [
      await captured(client, { paymentMethod: method }),
      await client.authorizePayment(anAuthorization({ paymentMethod: `pm_unknown_${secret}` })),
      await expectReason(
        client.authorizePayment(anAuthorization({ paymentMethod: `pm_${secret}!` })),
        'VALIDATION_FAILED',
      ),
    ];
    const request = anAuthorization({ paymentMethod: method });
    await client.authorizePayment(request);
    answers.push(
      await expectReason(
        client.authorizePayment({ ...request, paymentMethod: `${method}_other` }),
        'REQUEST_ID_REUSED',
      ),
      await expectReason(
        client.authorizePayment(anAuthorization({ paymentMethod: method, orderId: request.orderId })),
        'ILLEGAL_TRANSITION',
      ),
    );
    // Spans leave in batches: this one is made after all of the above.
    const { paymentId } = await authorized(client, { paymentMethod: method });
    await service.until(() => service.output.includes(`'payment.id': '${paymentId}'`));
    expect(service.output).to.contain(`'order.id': '${request.orderId}'`);
    expect(service.output).not.to.contain(secret);
    const told = JSON.stringify(answers, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(told).not.to.contain(secret);
  });

  it('refuses to serve over a database that is behind, and brings it to its schema when told to', async () => {
    const empty = await createEmptyDatabase();
    const early = new PaymentProcess(empty.url);
    expect(await early.end()).to.equal(1);
    expect(early.output).to.contain('node dist/cmd/payment-service/main.js --migrate');
    expect(await new PaymentProcess(empty.url, ['--migrate']).end()).to.equal(0);
    const late = new PaymentProcess(empty.url);
    await late.address();
    expect(await late.end('SIGTERM')).to.equal(0);
    await empty.drop();
  });
});
