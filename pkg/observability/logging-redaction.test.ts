import { expect } from 'chai';
import { loggable } from './logging-redaction.js';

const secret = 's3cret';

describe('the fields of a log line', () => {
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
    it(`do not show "${name}", at any depth`, () => {
      const deep = { a: { b: [{ c: { [name]: secret } }] } };
      const shown = loggable({ [name]: secret, list: [{ [name]: secret }], deep });
      expect(JSON.stringify(shown)).not.to.contain(secret);
      expect(shown).to.have.property(name, '[redacted]');
    });

  it('keep what only sounds like a secret', () => {
    const harmless = { page_token_age: 3, tokens: 5, method: 'GET', passed: true, secretary: 'Ann' };
    expect(loggable(harmless)).to.deep.equal(harmless);
  });

  it('keep numbers, dates and nothing as they are', () => {
    const at = new Date();
    const shown = loggable({ total: 350, at, none: undefined, nil: null, list: [1, 'a'] });
    expect(shown).to.deep.equal({ total: 350, at, none: undefined, nil: null, list: [1, 'a'] });
  });

  it('keep whole numbers exact, as text where JSON cannot', () => {
    expect(loggable({ total: 350n, all: 9_007_199_254_740_993n })).to.deep.equal({
      total: 350,
      all: '9007199254740993',
    });
  });

  it('do not show passwords inside of URLs, wherever they stand', () => {
    const url = `postgres://shop:${secret}@db:5432/orders?sslmode=require&password=${secret}`;
    const err = new Error(`cannot reach ${url}`, { cause: new Error(url) });
    const shown = JSON.stringify(loggable({ url, urls: [url], err }));
    expect(shown).not.to.contain(secret);
    expect(shown).to.contain('postgres://shop:[redacted]@db:5432/orders?sslmode=require');
  });

  it('end, also for an object that contains itself', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round['self'] = round;
    expect(JSON.stringify(loggable({ round }))).to.contain('[too deep]');
  });
});

describe('an error in a log line', () => {
  const shown = (error: unknown): Record<string, unknown> =>
    loggable({ err: error })['err'] as Record<string, unknown>;

  it('has its kind, message and stack, with those of its causes', () => {
    const err = shown(
      new TypeError('outer', { cause: new Error('middle', { cause: new RangeError('inner') }) }),
    );
    expect(err).to.include({ type: 'TypeError', message: 'outer: middle: inner' });
    expect(err['stack']).to.match(
      /^TypeError: outer\n.*caused by: Error: middle\n.*caused by: RangeError: inner\n/s,
    );
  });

  it('has the codes that tell what to do', () => {
    const refused = Object.assign(new Error('x'), {
      code: '23505',
      constraint: 'orders_pkey',
      table: 'orders',
    });
    expect(shown(refused)).to.include({ code: '23505', constraint: 'orders_pkey', table: 'orders' });
  });

  it('has no field in which a driver quotes data', () => {
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

  it('has all that went wrong, where that is several things', () => {
    const err = shown(new AggregateError([new Error('one'), new Error('two')], 'both'));
    expect(err['errors']).to.have.nested.property('[1].message', 'two');
  });

  it('ends, also when it causes itself', () => {
    const error = new Error('round');
    error.cause = error;
    expect(shown(error)).to.have.property('message', 'round');
  });

  it('may be anything that was thrown', () => {
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
  throw new Error('it did not fail');
}
