import { expect } from 'chai';
import { until, within, type Bound } from './waiting.js';

function aBound(over: Partial<Bound> = {}): Bound {
  return { what: 'the bus', timeoutMs: 60_000, signal: new AbortController().signal, ...over };
}

const never = new Promise<never>(() => undefined);
const failureOf = (promise: Promise<unknown>) => promise.then(String, (error: unknown) => String(error));

describe('waiting', () => {
  it('asks until there is an answer', async () => {
    let asked = 0;
    const answer = await until(() => Promise.resolve(++asked === 3 ? 'here' : undefined), aBound());
    expect(answer).to.equal('here');
  });

  it('has an end, which names what did not come', async () => {
    const late = aBound({ timeoutMs: 1 });
    expect(await failureOf(until(() => Promise.resolve(undefined), late))).to.include('for the bus');
    expect(await failureOf(within(never, late))).to.include('for the bus');
  });

  it('passes on what it waited for', async () => {
    expect(await within(Promise.resolve(7), aBound())).to.equal(7);
    expect(await failureOf(within(Promise.reject(new Error('no bus today')), aBound()))).to.include('no bus');
  });

  it('ends when it is interrupted', async () => {
    const interrupted = aBound({ signal: AbortSignal.abort(new Error('Ctrl-C')) });
    expect(await failureOf(until(() => Promise.resolve(undefined), interrupted))).to.include('Ctrl-C');
    expect(await failureOf(within(never, interrupted))).to.include('Ctrl-C');
  });
});
