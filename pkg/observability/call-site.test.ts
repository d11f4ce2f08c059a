import { expect } from 'chai';
import { shortPath } from './call-site.js';

describe('shortPath', () => {
  const paths = {
    'file:///srv/app/pkg/order/saga/saga.ts': 'order/saga/saga.ts',
    'file:///srv/app/dist/cmd/dev/main.js': 'dev/main.js',
    '/home/test/shop/pkg/runtime/wait.ts': 'runtime/wait.ts',
    'C:\\shop\\test\\support\\system.ts': 'support/system.ts',
    '/opt/greeter/src/server.js': 'src/server.js',
    'server.js': 'server.js',
  };
  for (const [file, expected] of Object.entries(paths))
    it(`shortens ${file} to ${expected}`, () => {
      expect(shortPath(file)).to.equal(expected);
    });
});
