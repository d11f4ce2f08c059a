import { expect } from 'chai';
import { wanted } from './choose.js';

const tools = { hammer: 'a hammer', saw: 'a saw', file: 'a file' };

describe('the tools that are wanted', () => {
  it('are all without a name', () => {
    expect(wanted([], tools)).to.deep.equal(['a hammer', 'a saw', 'a file']);
  });

  it('are those that are named, in the order of their list', () => {
    expect(wanted(['file', 'hammer'], tools)).to.deep.equal(['a hammer', 'a file']);
  });

  it('must be on the list', () => {
    expect(() => wanted(['saw', 'toString', 'glue'], tools)).to.throw(
      'no such tool: toString, glue; there are hammer, saw, file',
    );
  });
});
