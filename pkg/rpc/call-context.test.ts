import { Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { CallContext } from './call-context.js';

const aContext = (deadline = Infinity): CallContext =>
  new CallContext({
    method: 'a.B/C',
    metadata: new Metadata(),
    peer: '127.0.0.1:1',
    callerNames: [],
    deadline,
  });
const why = new AppError({ reason: 'CANCELLED', message: 'the caller hung up' });
const other = new AppError({ reason: 'SHUTTING_DOWN', message: 'we close' });

describe('CallContext', () => {
  it('aborts its signal, and keeps the first reason', () => {
    const context = aContext();
    const { signal } = context;
    context.abort(why);
    context.abort(other);
    expect(signal.reason).to.equal(why);
    expect(context.aborted).to.equal(why);
  });

  it('has an aborted signal also when it is first asked for afterwards', () => {
    const context = aContext();
    context.abort(why);
    expect(context.signal.aborted).to.equal(true);
    expect(context.signal.reason).to.equal(why);
  });

  it('calls back before its signal aborts, once', () => {
    const context = aContext();
    const order: string[] = [];
    context.signal.addEventListener('abort', () => order.push('signal'));
    context.onAbort((reason) => order.push(reason.reason));
    context.abort(why);
    context.abort(other);
    expect(order).to.deep.equal(['CANCELLED', 'signal']);
  });

  it('cannot be aborted once it is answered', () => {
    const context = aContext();
    context.onAbort(() => expect.fail('called back'));
    context.settle();
    context.abort(why);
    expect(context.isSettled).to.equal(true);
    expect(context.aborted).to.equal(undefined);
    expect(context.signal.aborted).to.equal(false);
  });

  it('is aborted by its deadline', async () => {
    const context = aContext(Date.now() + 5);
    const reason = await new Promise<AppError>((resolve) => context.onAbort(resolve));
    expect(reason.reason).to.equal('DEADLINE_EXCEEDED');
    expect(context.timeLeftMs()).to.equal(0);
  });

  it('has all the time in the world without a deadline', () => {
    const context = aContext();
    context.onAbort(() => undefined);
    expect(context.timeLeftMs()).to.equal(Infinity);
  });
});
