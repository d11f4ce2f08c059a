import { expect } from 'chai';
import { loggable } from './redaction.js';

const secret = 's3cret';

describe('loggable fields', () => {
  const names = [
    'payment_method',
    'paymentMethod',
    'password',
    'Authorization',
    'access_token',
    'client-secret',
    'apiKey',
    'set-cookie',
  ];
  for (const name of names)
    it(`are redacted at any depth if their name is "${name}"`, () => {
      const deep = { a: { b: [{ c: { [name]: secret } }] } };
      const shown = loggable({ [name]: secret, list: [{ [name]: secret }], deep });
      expect(JSON.stringify(shown)).not.to.contain(secret);
      expect(shown).to.have.property(name, '[redacted]');
    });

  it('keep their values if their names only resemble the names of secrets', () => {
    const harmless = { page_token_age: 3, tokens: 5, method: 'GET', passed: true, secretary: 'Ann' };
    expect(loggable(harmless)).to.deep.equal(harmless);
  });

  it('keep numbers, dates, null and undefined', () => {
    const fields = { total: 350, time: new Date(), none: undefined, nil: null, list: [1, 'a'] };
    expect(loggable(fields)).to.deep.equal(fields);
  });

  it('contain a bigint as a number if it is a safe integer, and otherwise as text', () => {
    expect(loggable({ total: 350n, all: 9_007_199_254_740_993n })).to.deep.equal({
      total: 350,
      all: '9007199254740993',
    });
  });

  it('contain URLs without their passwords', () => {
    const url = `postgres://shop:${secret}@db:5432/orders?sslmode=require&password=${secret}`;
    const err = new Error(`cannot reach ${url}`, { cause: new Error(url) });
    const shown = JSON.stringify(loggable({ url, urls: [url], err }));
    expect(shown).not.to.contain(secret);
    expect(shown).to.contain('postgres://shop:[redacted]@db:5432/orders?sslmode=require');
  });

  it('are cut off at a maximum depth when an object contains itself', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round['self'] = round;
    expect(JSON.stringify(loggable({ round }))).to.contain('[too deep]');
  });
});

describe('loggable errors', () => {
  const shown = (error: unknown): Record<string, unknown> =>
    loggable({ err: error })['err'] as Record<string, unknown>;

  it('have type, message and stack, including the messages and stacks of their causes', () => {
    const err = shown(
      new TypeError('outer', { cause: new Error('middle', { cause: new RangeError('inner') }) }),
    );
    expect(err).to.include({ type: 'TypeError', message: 'outer: middle: inner' });
    expect(err['stack']).to.match(
      /^TypeError: outer\n.*caused by: Error: middle\n.*caused by: RangeError: inner\n/s,
    );
  });

  it('keep the error code, constraint and table', () => {
    const violation = Object.assign(new Error('x'), {
      code: '23505',
      constraint: 'orders_pkey',
      table: 'orders',
    });
    expect(shown(violation)).to.include({ code: '23505', constraint: 'orders_pkey', table: 'orders' });
  });

  it('omit fields in which drivers quote data', () => {
    const { input } = failureOf(() => new URL(`postgres//shop:${secret}`)) as unknown as { input: string };
    expect(input).to.contain(secret);
    const row = Object.assign(new Error('violates check constraint'), {
      detail: `Failing row contains (1, ${secret}).`,
      parameters: [secret],
      metadata: { token: secret },
      input,
    });
    expect(JSON.stringify(shown(row))).not.to.contain(secret);
  });

  it('contain the errors of an AggregateError', () => {
    const err = shown(new AggregateError([new Error('one'), new Error('two')], 'both'));
    expect(err['errors']).to.have.nested.property('[1].message', 'two');
  });

  it('list each cause once when an error is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(shown(error)).to.have.property('message', 'round');
  });

  it('keep thrown values that are not an Error', () => {
    expect(loggable({ err: 'a text' })).to.deep.equal({ err: 'a text' });
    expect(loggable({ err: undefined })).to.deep.equal({ err: undefined });
  });
});

function failureOf(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a failure');
}
