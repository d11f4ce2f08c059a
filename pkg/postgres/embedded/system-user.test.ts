import { expect } from 'chai';
import { parseUsers } from './system-user.js';

describe('parseUsers', () => {
  it('skips root, users with negative ids, and lines that describe no user', () => {
    const users = parseUsers(
      [
        'root:x:0:0:root:/root:/bin/sh',
        '# a comment',
        'postgres:x:101:104:PostgreSQL,,,:/var/lib/postgresql:/bin/sh',
        'nobody:*:-2:-2:Unprivileged:/var/empty:/usr/bin/false',
        '',
      ].join('\n'),
    );
    expect([...users]).to.deep.equal([['postgres', { uid: 101, gid: 104 }]]);
  });
});
