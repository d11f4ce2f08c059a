import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../../pkg/errors/index.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { handler, statusOf } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { validated } from '../../pkg/rpc/testing/echo-service.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

const details = {
  message: 'it cannot be done: 50 % too few',
  metadata: { sku: 'coffee-espresso', available: '3' },
  fields: [{ field: 'items[2].quantity', description: 'must be at least 1' }],
  preconditions: [{ type: 'STOCK', subject: 'coffee-espresso', description: 'needs 5, has 3' }],
  retryAfterMs: 1250,
};

describe('errors over the wire', () => {
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

  for (const reason of reasons.filter((one) => one !== 'INTERNAL')) {
    for (const [kind, call] of Object.entries({ unary, streamed })) {
      it(`${reason} crosses a ${kind} call with everything it says`, async () => {
        toThrow = () => new AppError({ reason, ...details });
        const error = await expectReason(call(), reason);
        expect(error).to.deep.include(details);
        expect(error.cause).to.have.property('code', statusOf[reason]);
      });
    }
  }

  it('crosses a stream also after its first message', async () => {
    toThrow = () => new AppError({ reason: 'SHUTTING_DOWN', ...details });
    const error = await expectReason(streamed('begin'), 'SHUTTING_DOWN');
    expect(error).to.deep.include(details);
  });

  it('adds the wait that callers are promised to RESOURCE_EXHAUSTED and ABORTED', async () => {
    for (const reason of ['OVERLOADED', 'CONFLICT'] satisfies Reason[]) {
      toThrow = () => new AppError({ reason, message: 'later' });
      const error = await expectReason(unary(), reason);
      expect(error.retryAfterMs).to.be.greaterThan(0);
    }
  });

  const secrets = /select|10\.0\.0\.7|stack|at .*\.ts/i;
  const unforeseen: Record<string, () => unknown> = {
    'an error with a secret message': () => new Error('select * from orders failed at 10.0.0.7'),
    'an error with a gRPC code': () => Object.assign(new Error('10.0.0.7'), { code: 5, details: 'select' }),
    'an AppError that says INTERNAL': () =>
      new AppError({ reason: 'INTERNAL', message: 'select', metadata: { host: '10.0.0.7' } }),
    'something that is no error': () => 'select',
  };
  for (const [what, make] of Object.entries(unforeseen)) {
    for (const [kind, call] of Object.entries({ unary, streamed })) {
      it(`${what} leaves a ${kind} call as "internal error" and nothing else`, async () => {
        toThrow = make;
        const error = await expectReason(call(), 'INTERNAL');
        expect(error).to.include({ message: 'internal error', retryAfterMs: undefined });
        expect(error.metadata).to.deep.equal({});
        const { metadata, code } = error.cause as { metadata: { getMap(): object }; code: number };
        expect(code).to.equal(Status.INTERNAL);
        expect(Object.values(metadata.getMap()).join(' ')).not.to.match(secrets);
      });
    }
  }

  it('logs what nobody foresaw once, with its cause', async () => {
    const cause = new Error('the disk is full');
    toThrow = () => new Error('cannot write', { cause });
    server.logs.splice(0);
    await failureOf(unary());
    await server.logged('call served', { status: 'INTERNAL' });
    const told = server.logs.filter(({ level }) => level === 'error');
    expect(told).to.have.length(1);
    expect(told[0]).to.include({ level: 'error', msg: 'call served', status: 'INTERNAL' });
    expect(told[0])
      .to.have.nested.property('err.stack')
      .that.includes('cannot write')
      .and.includes('the disk is full');
  });

  const cause = new Error('connect ECONNREFUSED');
  const levels: [what: string, level: string, hasCause: boolean, reason: Reason][] = [
    ['something that we need and that failed', 'error', true, 'DEPENDENCY_UNAVAILABLE'],
    ['a gateway whose answer is not known', 'error', true, 'PAYMENT_IN_DOUBT'],
    ['a shutdown', 'warn', false, 'SHUTTING_DOWN'],
    ['a deadline of the caller', 'warn', false, 'DEADLINE_EXCEEDED'],
    ['a deadline that another service kept', 'warn', true, 'DEADLINE_EXCEEDED'],
    ['a refusal that callers are meant to understand', 'info', false, 'OUT_OF_STOCK'],
    ['a conflict, which callers repeat', 'info', true, 'CONFLICT'],
  ];
  for (const [what, level, hasCause, reason] of levels) {
    it(`logs ${what} once, at ${level}`, async () => {
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
