import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const inDocs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) =>
  path.join('docs', name),
);
const documents = ['README.md', 'CONTRIBUTING.md', ...inDocs.filter((name) => name.endsWith('.md'))];
const makefile = readFileSync('Makefile', 'utf8');

/** Returns the anchors that GitHub derives from the headings of a file. */
function anchorsOf(file: string): string[] {
  const headings = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('documents', () => {
  for (const file of documents) {
    const text = readFileSync(file, 'utf8');

    it(`link to existing files and anchors: ${file}`, () => {
      for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(link)) continue;
        const [place = '', anchor] = link.split('#', 2);
        const target = place === '' ? file : path.join(path.dirname(file), place);
        expect(existsSync(target), link).to.equal(true);
        if (anchor !== undefined) expect(anchorsOf(target), link).to.include(anchor);
      }
    });

    it(`name existing make targets: ${file}`, () => {
      for (const [, target = ''] of text.matchAll(/^(?:make |[^\n|]*`make )([a-z][a-z0-9-]+)/gm))
        expect(makefile, target).to.match(new RegExp(`^${target}:`, 'm'));
    });
  }
});
