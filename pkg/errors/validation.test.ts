import { expect } from 'chai';
import fc from 'fast-check';
import type { AppError } from './app-error.js';
import { textRules, Validation, type TextRule } from './validation.js';

/** Returns the description of the violation; undefined for a valid text. */
function violationOf(value: string, rule: TextRule): string | undefined {
  const check = new Validation();
  expect(check.text('field', value, rule)).to.equal(value);
  return violationsOf(check)[0]?.description;
}

function violationsOf(check: Validation): AppError['fields'] {
  try {
    check.throwIfAny();
    return [];
  } catch (error) {
    return (error as AppError).fields;
  }
}

describe('Validation', () => {
  it('does not throw without violations', () => {
    const check = new Validation();
    check.require(true, 'a', 'must be true');
    check.throwIfAny();
  });

  it('reports all violations in one error, with the first violation in the message', () => {
    const check = new Validation();
    check.require(false, 'a', 'must be true');
    check.text('b', '', { max: 3 });
    check.fail('c[1]', 'is odd');
    expect(() => check.throwIfAny())
      .to.throw('invalid request: a must be true')
      .with.deep.include({
        reason: 'VALIDATION_FAILED',
        fields: [
          { field: 'a', description: 'must be true' },
          { field: 'b', description: 'is required' },
          { field: 'c[1]', description: 'is odd' },
        ],
      });
  });

  it('reports at most 20 violations', () => {
    const check = new Validation();
    for (let line = 0; line < 10_000; line += 1) check.fail(`items[${line}]`, 'is bad');
    expect(violationsOf(check)).to.have.length(20);
  });

  const cases: [string, TextRule, string | undefined][] = [
    ['', { max: 3 }, 'is required'],
    ['', { max: 3, optional: true }, undefined],
    ['', { max: 3, min: 0 }, undefined],
    ['', { max: 3, min: 2 }, 'is required'],
    ['a', { max: 3, min: 2 }, 'must be at least 2 characters'],
    ['abc', { max: 3 }, undefined],
    ['abcd', { max: 3 }, 'must be at most 3 characters'],
    ['a\0', { max: 3 }, 'must be valid UTF-8 without NUL'],
    ['👩'.repeat(128), textRules.actor, undefined],
    ['a'.repeat(129), textRules.actor, 'must be at most 128 characters'],
    ['first line\nsecond line', textRules.actorReason, undefined],
    ['r'.repeat(500), textRules.actorReason, 'must be at most 200 characters'],
    ['a\uFFFD', { max: 3 }, 'must be valid UTF-8 without NUL'],
    ['abc', { max: 3, pattern: /^\d+$/ }, 'has a wrong format'],
    ['abc', { max: 3, pattern: /^\d+$/, hint: 'must be digits' }, 'must be digits'],
    ['123', { max: 3, pattern: /^\d+$/ }, undefined],
  ];
  for (const [value, rule, violation] of cases)
    it(`reports ${JSON.stringify(violation) ?? 'no violation'} for the text ${JSON.stringify(value)} and the rule ${JSON.stringify(rule)}`, () => {
      expect(violationOf(value, rule)).to.equal(violation);
    });
});

describe('text rules', () => {
  it('accept SKUs of 1 to 64 allowed characters only', () => {
    const allowed = Array.from('ABCXYZabcxyz0189._-');
    const valid = fc.string({ unit: fc.constantFrom(...allowed), minLength: 1, maxLength: 64 });
    fc.assert(fc.property(valid, (sku) => violationOf(sku, textRules.sku) === undefined));
    const foreign = fc.string({ minLength: 1, maxLength: 1 }).filter((c) => !/[\w.-]/.test(c));
    fc.assert(
      fc.property(
        valid,
        foreign,
        (sku, c) => violationOf((c + sku).slice(0, 64), textRules.sku) !== undefined,
      ),
    );
    expect(violationOf('x'.repeat(65), textRules.sku)).not.to.equal(undefined);
    expect(violationOf('sku\n', textRules.sku)).not.to.equal(undefined);
  });

  it('accept lower-case UUIDs only', () => {
    fc.assert(fc.property(fc.uuid(), (id) => violationOf(id, textRules.uuid) === undefined));
    for (const invalid of ['', '0190f6fe-9c2a-7000-8000-00000000000', '0190F6FE-9C2A-7000-8000-000000000000'])
      expect(violationOf(invalid, textRules.uuid)).not.to.equal(undefined);
  });

  it('accept payment-method tokens, but no token with the digits of a card number', () => {
    for (const valid of ['pm_approve', 'pm_fails_2_times', 'pm_12345678901'])
      expect(violationOf(valid, textRules.paymentMethod), valid).to.equal(undefined);
    for (const invalid of [
      '',
      'approve',
      'pm_',
      'PM_APPROVE',
      'pm_4111111111111111',
      'pm_x411111111111',
      '4111',
    ])
      expect(violationOf(invalid, textRules.paymentMethod), invalid).not.to.equal(undefined);
  });

  it('accept request ids of 0 to 128 characters', () => {
    for (const valid of ['', 'a', 'é'.repeat(128)])
      expect(violationOf(valid, textRules.requestId)).to.equal(undefined);
    expect(violationOf('x'.repeat(129), textRules.requestId)).not.to.equal(undefined);
  });
});
