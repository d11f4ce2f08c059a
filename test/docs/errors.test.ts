import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { reasons } from '../../pkg/errors/index.js';
import { statusOf } from '../../pkg/rpc/index.js';

describe('docs/errors.md', () => {
  const rows = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = /^\| `(\w+)` \| (\w+) \|/.exec(line);
      return match ? [`${match[1]} ${match[2]}`] : [];
    });

  it('lists every reason of the code with its status, and no other reason', () => {
    const known = reasons.map((reason) => `${reason} ${status[statusOf[reason]]}`);

    expect(rows).to.deep.equal(known);
  });
});
