import { expect } from 'chai';
import { poll, withTimeout, type WaitOptions } from './polling.js';

function waitOptions(overrides: Partial<WaitOptions> = {}): WaitOptions {
  return { timeoutMs: 60_000, intervalMs: 1, signal: new AbortController().signal, ...overrides };
}

function abortedOptions(): WaitOptions {
  return waitOptions({ signal: AbortSignal.abort(new Error('Ctrl-C')) });
}

const pending = new Promise<never>(() => undefined);
const noValue = () => Promise.resolve(undefined);
const errorOf = (promise: Promise<unknown>) => promise.then(String, (error: unknown) => String(error));

describe('poll', () => {
  it('repeats the probe until it returns a value', async () => {
    let calls = 0;
    const value = await poll(() => Promise.resolve(++calls === 3 ? 'ready' : undefined), waitOptions());
    expect(value).to.equal('ready');
  });

  it('returns undefined after the timeout', async () => {
    expect(await poll(noValue, waitOptions({ timeoutMs: 1 }))).to.equal(undefined);
  });

  it('rejects with the reason of an abort', async () => {
    expect(await errorOf(poll(noValue, abortedOptions()))).to.include('Ctrl-C');
  });
});

describe('withTimeout', () => {
  it('settles with the result or the error of the promise', async () => {
    expect(await withTimeout(Promise.resolve(7), 'no restart', waitOptions())).to.equal(7);
    const failed = withTimeout(Promise.reject(new Error('killed')), 'no restart', waitOptions());
    expect(await errorOf(failed)).to.include('killed');
  });

  it('rejects with the given message after the timeout', async () => {
    const error = errorOf(withTimeout(pending, 'no restart', waitOptions({ timeoutMs: 1 })));
    expect(await error).to.include('no restart within 0.001 s');
  });

  it('rejects with the reason of an abort', async () => {
    expect(await errorOf(withTimeout(pending, 'no restart', abortedOptions()))).to.include('Ctrl-C');
  });
});
