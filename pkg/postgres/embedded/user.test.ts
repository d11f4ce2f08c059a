import { expect } from 'chai';
import { parseUsers } from './user.js';

describe('the users of a system', () => {
  it('are read from its passwd file, root and malformed lines left out', () => {
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
