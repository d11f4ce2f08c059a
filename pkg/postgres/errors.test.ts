import { expect } from 'chai';
import { AppError } from '../errors/app-error.js';
import { isUniqueViolation, translateError } from './errors.js';

const failure = (code: string, message = 'failed'): Error => Object.assign(new Error(message), { code });

describe('translating an error of the database', () => {
  const meanings = {
    DEPENDENCY_UNAVAILABLE: [
      failure('08006'),
      failure('57P01'),
      failure('57P03'),
      failure('25P03'),
      failure('25006'),
      failure('ECONNREFUSED'),
      failure('ECONNRESET'),
      failure('EPIPE'),
      failure('ENOTFOUND'),
      new Error('Connection terminated unexpectedly'),
      new Error('Connection terminated due to connection timeout'),
      new Error('timeout expired'),
      new Error('Client has encountered a connection error and is not queryable'),
    ],
    OVERLOADED: [failure('53300'), new Error('timeout exceeded when trying to connect')],
    DEADLINE_EXCEEDED: [failure('57014')],
    CONFLICT: [failure('40001'), failure('40P01')],
  };

  for (const [reason, errors] of Object.entries(meanings)) {
    for (const error of errors) {
      const name = 'code' in error ? String(error.code) : error.message;
      it(`makes "${name}" ${reason}, with the error as its cause`, () => {
        const translated = translateError(error);
        expect(translated).to.be.instanceOf(AppError).and.to.include({ reason, cause: error });
      });
    }
  }

  it('returns what means nothing to callers as it is', () => {
    for (const error of [failure('23505'), failure('42P01'), new Error('a bug')]) {
      expect(translateError(error)).to.equal(error);
    }
  });

  it('returns an AppError as it is, whatever its message', () => {
    const error = new AppError({ reason: 'INTERNAL', message: 'Connection terminated' });
    expect(translateError(error)).to.equal(error);
  });

  it('makes an error of whatever else was thrown', () => {
    expect(translateError('oops')).to.be.instanceOf(Error).and.to.have.property('cause', 'oops');
  });
});

describe('isUniqueViolation', () => {
  const violation = Object.assign(failure('23505'), { constraint: 'orders_pkey' });

  it('tells constraints apart', () => {
    expect(isUniqueViolation(violation)).to.equal(true);
    expect(isUniqueViolation(violation, 'orders_pkey')).to.equal(true);
    expect(isUniqueViolation(violation, 'orders_other')).to.equal(false);
  });

  it('is false for anything else', () => {
    expect(isUniqueViolation(failure('23503'))).to.equal(false);
    expect(isUniqueViolation('23505')).to.equal(false);
  });
});
