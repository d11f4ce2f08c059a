import { expect } from 'chai';
import { sql } from './statement.js';

describe('sql', () => {
  it('numbers named parameters in the sequence of their first use', () => {
    const move = sql('unit.move', 'update stock set bin = $bin where sku = $sku and bin <> $bin');
    expect(move({ sku: 'TEA', bin: 7 })).to.deep.equal({
      name: 'unit.move',
      text: 'update stock set bin = $1 where sku = $2 and bin <> $1',
      values: [7, 'TEA'],
    });
  });

  it('accepts only the parameter names of the text', () => {
    const find = sql('unit.find', 'select 1 where $id::uuid is null');
    // @ts-expect-error a missing name does not compile
    find({});
    // @ts-expect-error a superfluous name does not compile
    find({ id: '1', sku: 'TEA' });
    // @ts-expect-error a statement without parameters takes none
    sql('unit.count', 'select 1')({ id: '1' });
  });

  it('rejects a text that is not a literal', () => {
    const text: string = 'select 1';
    // @ts-expect-error the text is not a literal
    sql('unit.unknown', text);
  });

  it('rejects a $ without a parameter name', () => {
    expect(() => sql('unit.dollar', 'select $1')).to.throw('without a parameter name');
  });

  it('accepts a repeated definition with equal name and text', () => {
    expect(sql('unit.same', 'select 1')()).to.deep.equal(sql('unit.same', 'select 1')());
  });

  it('rejects a second definition with the same name and another text', () => {
    sql('unit.name', 'select 1');
    expect(() => sql('unit.name', 'select 2')).to.throw('already identifies another text');
  });

  it('rejects a name that is empty or exceeds 63 bytes', () => {
    expect(() => sql('n'.repeat(64), 'select 1')).to.throw('63 bytes');
    expect(() => sql('', 'select 1')).to.throw('63 bytes');
  });
});
