import { Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../errors/index.js';
import { CallContext } from './call-context.js';

const aContext = (deadline = Infinity): CallContext =>
  new CallContext({
    method: 'a.B/C',
    metadata: new Metadata(),
    peer: '127.0.0.1:1',
    callerNames: [],
    deadline,
  });
const cancelled = new AppError({ reason: 'CANCELLED', message: 'the caller cancelled the call' });
const shuttingDown = new AppError({ reason: 'SHUTTING_DOWN', message: 'the server is shutting down' });

describe('CallContext', () => {
  it('aborts its signal with the reason of the first abort', () => {
    const context = aContext();
    const { signal } = context;
    context.abort(cancelled);
    context.abort(shuttingDown);
    expect(signal.reason).to.equal(cancelled);
    expect(context.aborted).to.equal(cancelled);
  });

  it('returns an aborted signal after an abort', () => {
    const context = aContext();
    context.abort(cancelled);
    expect(context.signal.aborted).to.equal(true);
    expect(context.signal.reason).to.equal(cancelled);
  });

  it('calls the abort callback once, before its signal aborts', () => {
    const context = aContext();
    const events: string[] = [];
    context.signal.addEventListener('abort', () => events.push('signal'));
    context.onAbort((reason) => events.push(reason.reason));
    context.abort(cancelled);
    context.abort(shuttingDown);
    expect(events).to.deep.equal(['CANCELLED', 'signal']);
  });

  it('ignores an abort after the response', () => {
    const context = aContext();
    context.onAbort(() => expect.fail('the callback was called'));
    context.settle();
    context.abort(cancelled);
    expect(context.isSettled).to.equal(true);
    expect(context.aborted).to.equal(undefined);
    expect(context.signal.aborted).to.equal(false);
  });

  it('aborts at its deadline', async () => {
    const context = aContext(Date.now() + 5);
    const reason = await new Promise<AppError>((resolve) => context.onAbort(resolve));
    expect(reason.reason).to.equal('DEADLINE_EXCEEDED');
    // A timer may fire up to 1 ms before the wall clock reaches the deadline.
    expect(context.timeLeftMs()).to.be.at.most(1);
  });

  it('has infinite remaining time without a deadline', () => {
    const context = aContext();
    context.onAbort(() => undefined);
    expect(context.timeLeftMs()).to.equal(Infinity);
  });
});
