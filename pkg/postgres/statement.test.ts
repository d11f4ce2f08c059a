import { expect } from 'chai';
import { sql } from './statement.js';

describe('sql', () => {
  it('makes the same statement of the same name and text', () => {
    expect(sql('unit.same', 'select 1')).to.deep.equal(sql('unit.same', 'select 1'));
  });

  it('refuses a second text under one name', () => {
    sql('unit.name', 'select 1');
    expect(() => sql('unit.name', 'select 2')).to.throw('already stands for');
  });

  it('refuses names that PostgreSQL would cut or ignore', () => {
    expect(() => sql('n'.repeat(64), 'select 1')).to.throw('63 bytes');
    expect(() => sql('', 'select 1')).to.throw('63 bytes');
  });
});
