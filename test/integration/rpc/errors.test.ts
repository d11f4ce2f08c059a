import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../../../pkg/errors/index.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { handler, statusOf } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { validated } from '../../support/rpc/echo-service.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

const details = {
  message: 'out of stock: 50 % too few',
  metadata: { sku: 'coffee-espresso', available: '3' },
  fields: [{ field: 'items[2].quantity', description: 'must be at least 1' }],
  preconditions: [{ type: 'STOCK', subject: 'coffee-espresso', description: 'needs 5, has 3' }],
  retryAfterMs: 1250,
};

describe('errors between server and client', () => {
  let server: TestServer;
  let toThrow: () => unknown;

  before(async () => {
    server = await startTestServer({
      handlers: {
        say: handler(validated, async () => {
          throw toThrow();
        }),
        repeat: handler(validated, async function* repeat(text) {
          if (text === 'begin') yield { text };
          throw toThrow();
        }),
      },
    });
  });
  after(() => server.close());

  const unary = (): Promise<unknown> => server.client().say({ text: '' });
  const streamed = (text = ''): Promise<unknown> => allOf(server.client().repeat({ text }));

  for (const reason of reasons.filter((candidate) => candidate !== 'INTERNAL')) {
    for (const [kind, call] of Object.entries({ unary, streamed })) {
      it(`keep their details in a ${kind} call that fails with ${reason}`, async () => {
        toThrow = () => new AppError({ reason, ...details });
        const error = await expectReason(call(), reason);
        expect(error).to.deep.include(details);
        expect(error.cause).to.have.property('code', statusOf[reason]);
      });
    }
  }

  it('keep their details after the first message of a stream', async () => {
    toThrow = () => new AppError({ reason: 'SHUTTING_DOWN', ...details });
    const error = await expectReason(streamed('begin'), 'SHUTTING_DOWN');
    expect(error).to.deep.include(details);
  });

  it('have a retry delay when the status is RESOURCE_EXHAUSTED or ABORTED', async () => {
    for (const reason of ['OVERLOADED', 'CONFLICT'] satisfies Reason[]) {
      toThrow = () => new AppError({ reason, message: 'later' });
      const error = await expectReason(unary(), reason);
      expect(error.retryAfterMs).to.be.greaterThan(0);
    }
  });

  const secrets = /select|10\.0\.0\.7|stack|at .*\.ts/i;
  const unexpected: Record<string, () => unknown> = {
    'an error with a secret message': () => new Error('select * from orders failed at 10.0.0.7'),
    'an error with a gRPC code': () => Object.assign(new Error('10.0.0.7'), { code: 5, details: 'select' }),
    'an AppError with the reason INTERNAL': () =>
      new AppError({ reason: 'INTERNAL', message: 'select', metadata: { host: '10.0.0.7' } }),
    'a value that is not an error': () => 'select',
  };
  for (const [what, createFailure] of Object.entries(unexpected)) {
    for (const [kind, call] of Object.entries({ unary, streamed })) {
      it(`hide the text of ${what} in a ${kind} call`, async () => {
        toThrow = createFailure;
        const error = await expectReason(call(), 'INTERNAL');
        expect(error).to.include({ message: 'internal error', retryAfterMs: undefined });
        expect(error.metadata).to.deep.equal({});
        const { metadata, code } = error.cause as { metadata: { getMap(): object }; code: number };
        expect(code).to.equal(Status.INTERNAL);
        expect(Object.values(metadata.getMap()).join(' ')).not.to.match(secrets);
      });
    }
  }

  it('are logged once with all causes when a handler throws an unexpected error', async () => {
    const cause = new Error('the disk is full');
    toThrow = () => new Error('cannot write', { cause });
    server.logs.splice(0);
    await failureOf(unary());
    await server.logged('call served', { status: 'INTERNAL' });
    const errors = server.logs.filter(({ level }) => level === 'error');
    expect(errors).to.have.length(1);
    expect(errors[0]).to.include({ level: 'error', msg: 'call served', status: 'INTERNAL' });
    expect(errors[0])
      .to.have.nested.property('err.stack')
      .that.includes('cannot write')
      .and.includes('the disk is full');
  });

  const cause = new Error('connect ECONNREFUSED');
  const logLevels: [what: string, level: string, hasCause: boolean, reason: Reason][] = [
    ['a failed dependency', 'error', true, 'DEPENDENCY_UNAVAILABLE'],
    ['an unknown outcome of a payment', 'error', true, 'PAYMENT_IN_DOUBT'],
    ['a shutdown', 'warn', false, 'SHUTTING_DOWN'],
    ['an expired deadline in this service', 'warn', false, 'DEADLINE_EXCEEDED'],
    ['an expired deadline in another service', 'warn', true, 'DEADLINE_EXCEEDED'],
    ['an expected rejection', 'info', false, 'OUT_OF_STOCK'],
    ['a conflict', 'info', true, 'CONFLICT'],
  ];
  for (const [what, level, hasCause, reason] of logLevels) {
    it(`are logged once at ${level} for ${what}`, async () => {
      toThrow = () => new AppError({ reason, ...details, ...(hasCause ? { cause } : {}) });
      for (const call of [unary, streamed]) {
        server.logs.splice(0);
        await failureOf(call());
        const [line] = await server.logged('call served', { status: Status[statusOf[reason]] });
        expect(server.logs.filter(({ msg }) => msg === 'call served')).to.deep.equal([line]);
        expect(line).to.include({ level, details: details.message });
        if (level === 'error')
          expect(line)
            .to.have.nested.property('err.stack')
            .that.includes('caused by: Error: connect ECONNREFUSED');
        else expect(line).not.to.have.property('err');
      }
    });
  }
});
