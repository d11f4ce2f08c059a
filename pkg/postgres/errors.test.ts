import { expect } from 'chai';
import { AppError } from '../errors/app-error.js';
import { isUniqueViolation, translateError } from './errors.js';

const failure = (code: string, message = 'failed'): Error => Object.assign(new Error(message), { code });

describe('translateError', () => {
  const errorsByReason = {
    DEPENDENCY_UNAVAILABLE: [
      failure('08006'),
      failure('53100'),
      failure('53200'),
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
    CONFLICT: [failure('40001'), failure('40P01'), failure('55P03')],
  };

  for (const [reason, errors] of Object.entries(errorsByReason)) {
    for (const error of errors) {
      const name = 'code' in error ? String(error.code) : error.message;
      it(`translates "${name}" to ${reason} with the original error as cause`, () => {
        const translated = translateError(error);
        expect(translated).to.be.instanceOf(AppError).and.to.include({ reason, cause: error });
      });
    }
  }

  it('returns a database error unchanged if no reason is defined for the error', () => {
    for (const error of [failure('23505'), failure('42P01'), new Error('a bug')]) {
      expect(translateError(error)).to.equal(error);
    }
  });

  it('returns an AppError unchanged', () => {
    const error = new AppError({ reason: 'INTERNAL', message: 'Connection terminated' });
    expect(translateError(error)).to.equal(error);
  });

  it('wraps a thrown value that is not an Error', () => {
    expect(translateError('oops')).to.be.instanceOf(Error).and.to.have.property('cause', 'oops');
  });
});

describe('isUniqueViolation', () => {
  const violation = Object.assign(failure('23505'), { constraint: 'orders_pkey' });

  it('is true for a violation of the given constraint, or of any constraint if none is given', () => {
    expect(isUniqueViolation(violation)).to.equal(true);
    expect(isUniqueViolation(violation, 'orders_pkey')).to.equal(true);
    expect(isUniqueViolation(violation, 'orders_other')).to.equal(false);
  });

  it('is false for other errors', () => {
    expect(isUniqueViolation(failure('23503'))).to.equal(false);
    expect(isUniqueViolation('23505')).to.equal(false);
  });
});
