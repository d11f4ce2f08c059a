import { expect } from 'chai';
import { databaseName, describeUrl, withDatabase } from './connection-url.js';

const url = 'postgres://app:s3cret@db.internal:6432/orders?sslmode=require';

describe('describeUrl', () => {
  it('omits the user and the password', () => {
    expect(describeUrl(url)).to.equal('db.internal:6432/orders');
    expect(describeUrl('postgres://app:s3cret@db/orders')).to.equal('db:5432/orders');
    expect(describeUrl('s3cret')).not.to.contain('s3cret');
  });
});

describe('databaseName', () => {
  it('decodes the database name of a URL', () => {
    expect(databaseName(url)).to.equal('orders');
    expect(databaseName('postgres://db/a%20b')).to.equal('a b');
  });
});

describe('withDatabase', () => {
  it('replaces only the database name', () => {
    expect(withDatabase(url, 'a b')).to.equal('postgres://app:s3cret@db.internal:6432/a%20b?sslmode=require');
  });
});
