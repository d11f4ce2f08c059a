import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const rows = [
  ...readFileSync('docs/request-path.md', 'utf8').matchAll(/^\| \d+ \| `([\w/.-]+)` \| `(\w+)` \|/gm),
];

/** Returns whether the text defines a function, a constant, a method or a property with the name. */
function defines(text: string, name: string): boolean {
  return new RegExp(`(function\\*? |const |^ {2}(async )?)${name}\\b\\s*[(<=:]`, 'm').test(text);
}

describe('docs/request-path.md', () => {
  it('has more than 20 numbered rows', () => {
    expect(rows).to.have.length.above(20);
  });

  for (const [, file = '', name = ''] of rows) {
    it(`names an existing definition: ${name} in ${file}`, () => {
      expect(existsSync(file), file).to.equal(true);
      expect(defines(readFileSync(file, 'utf8'), name), name).to.equal(true);
    });
  }
});
