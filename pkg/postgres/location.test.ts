import { expect } from 'chai';
import { databaseName, describeUrl, withDatabase } from './location.js';

const url = 'postgres://app:s3cret@db.internal:6432/orders?sslmode=require';

describe('a connection URL', () => {
  it('is described without its password', () => {
    expect(describeUrl(url)).to.equal('db.internal:6432/orders');
    expect(describeUrl('postgres://app:s3cret@db/orders')).to.equal('db:5432/orders');
    expect(describeUrl('s3cret')).not.to.contain('s3cret');
  });

  it('names a database', () => {
    expect(databaseName(url)).to.equal('orders');
    expect(databaseName('postgres://db/a%20b')).to.equal('a b');
  });

  it('can be led to another database of the same server', () => {
    expect(withDatabase(url, 'a b')).to.equal('postgres://app:s3cret@db.internal:6432/a%20b?sslmode=require');
  });
});
