import { expect } from 'chai';
import fc from 'fast-check';
import {
  address,
  duration,
  flag,
  integer,
  oneOf,
  port,
  ratio,
  secretUrl,
  text,
  type Setting,
} from './setting.js';

const help = 'purpose';

interface Case {
  readonly type: string;
  readonly setting: Setting<unknown>;
  readonly valid: readonly (readonly [string, unknown])[];
  readonly invalid: readonly string[];
}

const cases: readonly Case[] = [
  { type: 'text', setting: text({ help }), valid: [['unchanged ', 'unchanged ']], invalid: [] },
  {
    type: 'an integer',
    setting: integer({ help, min: -5, max: 10 }),
    valid: [
      ['-5', -5],
      ['0', 0],
      ['10', 10],
      ['007', 7],
    ],
    invalid: ['-6', '11', '1.5', '1e1', ' 1', '0x1', 'one', '--1', 'Infinity'],
  },
  {
    type: 'a port',
    setting: port({ help }),
    valid: [
      ['0', 0],
      ['65535', 65_535],
    ],
    invalid: ['-1', '65536', 'http'],
  },
  {
    type: 'a ratio',
    setting: ratio({ help }),
    valid: [
      ['0', 0],
      ['0.25', 0.25],
      ['1', 1],
    ],
    invalid: ['-0.1', '1.1', 'half', ' ', 'NaN'],
  },
  {
    type: 'a flag',
    setting: flag({ help }),
    valid: [
      ['true', true],
      ['false', false],
    ],
    invalid: ['yes', '1', 'TRUE'],
  },
  {
    type: 'an enumeration',
    setting: oneOf({ help, values: ['json', 'pretty'] }),
    valid: [['json', 'json']],
    invalid: ['JSON', 'xml', 'toString'],
  },
  {
    type: 'a duration',
    setting: duration({ help, min: '250ms', max: '24h' }),
    valid: [
      ['250ms', 250],
      ['5s', 5000],
      ['15m', 900_000],
      ['24h', 86_400_000],
    ],
    invalid: ['249ms', '25h', '5', '5 s', '1.5s', '-5s', '5d', 'soon'],
  },
  {
    type: 'an address',
    setting: address({ help }),
    valid: [
      'localhost:50051',
      '[::1]:5',
      '10.0.0.1:50052',
      'order-service.shop.svc.cluster.local.:50051',
      'dns:order:1',
      'dns:///order',
      'dns:///order:1',
      'dns:///[::1]:5',
      'dns://8.8.8.8/order.example.com:50051',
      'dns://8.8.8.8:53/order',
      'ipv4:10.0.0.1:50052',
      'ipv4:10.0.0.1:50052,10.0.0.2:50052',
      'ipv6:[::1]:50052',
      'ipv6:[::1]:50052,[2001:db8::1]:50052',
      'unix:run/order.sock',
      'unix:/run/order.sock',
      'unix:///run/order.sock',
    ].map((target): [string, string] => [target, target]),
    invalid: [
      '',
      'localhost',
      ':1',
      'a b:1',
      'host:port',
      'host:123456',
      'host:0',
      'host:65536',
      'host:1/path',
      '::1:5',
      '[host]:5',
      '10.0.0.1:50052,10.0.0.2:50052',
      'http://host:1',
      'https:host:1',
      'xds:///order',
      'dns:',
      'dns:///',
      'dns:50051',
      'dns://order:1',
      'dns:///a/b:1',
      'dns:///order:0',
      'ipv4:',
      'ipv4:10.0.0.1',
      'ipv4:order:1',
      'ipv4:10.0.0.1:1,',
      'ipv4:10.0.0.1:1,10.0.0.2',
      'ipv4:[::1]:1',
      'ipv6:::1:5',
      'ipv6:[::1]',
      'ipv6:10.0.0.1:1',
      'unix:',
      'unix://host/run/order.sock',
    ],
  },
  {
    type: 'a secret URL',
    setting: secretUrl({ help, protocols: ['postgres:', 'postgresql:'] }),
    valid: [['postgres://u:p@h/db', 'postgres://u:p@h/db']],
    invalid: ['mysql://h/db', 'h/db', 'postgres'],
  },
];

describe('settings', () => {
  for (const { type, setting, valid, invalid } of cases) {
    for (const [input, value] of valid)
      it(`parse ${JSON.stringify(input)} as ${type}`, () => {
        expect(setting.parse(input)).to.equal(value);
      });
    for (const input of invalid)
      it(`reject ${JSON.stringify(input)} as ${type} and describe valid values`, () => {
        expect(() => setting.parse(input)).to.throw(/^must be /);
      });
  }

  it('parse whole numbers in every unit as durations', () => {
    const setting = duration({ help, min: '0ms', max: '24h' });
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
    fc.assert(
      fc.property(fc.nat(24), fc.constantFrom(...Object.entries(units)), (count, [unit, ms]) => {
        expect(setting.parse(`${count}${unit}`)).to.equal(count * ms);
      }),
    );
  });

  it('are secret only if declared as secret', () => {
    expect(text({ help }).secret).to.equal(false);
    expect(secretUrl({ help, protocols: ['postgres:'] }).secret).to.equal(true);
  });

  it('have no default unless a default is declared', () => {
    expect(text({ help }).fallback).to.equal(undefined);
    expect(text({ help, default: '' }).fallback).to.equal('');
  });
});
