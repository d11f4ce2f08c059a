import { money, type Money } from '../money/index.js';

/** A demo product and its initial stock. */
export interface DemoProduct {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly price: Money;
  readonly onHand: bigint;
}

type Details = readonly [name: string, minor: number, description: string];

function coffee(sku: string, [name, cents, description]: Details): DemoProduct {
  return { sku: `coffee-${sku}`, name, description, price: money('USD', cents), onHand: 10_000n };
}

function electronics(sku: string, [name, yen, description]: Details): DemoProduct {
  return { sku: `elec-${sku}`, name, description, price: money('JPY', yen), onHand: 500n };
}

/** A coffee shop with prices in dollars and an electronics store with prices in yen. */
export const demoProducts: readonly DemoProduct[] = [
  coffee('espresso', ['Espresso', 300, 'A single shot.']),
  coffee('double-espresso', ['Double espresso', 380, 'Two shots in one cup.']),
  coffee('americano', ['Americano', 350, 'Espresso and hot water.']),
  coffee('cappuccino', ['Cappuccino', 450, 'Espresso under foamed milk.']),
  coffee('latte', ['Caffè latte', 475, 'Espresso with much steamed milk.']),
  coffee('flat-white', ['Flat white', 460, 'A double shot under thin microfoam.']),
  coffee('mocha', ['Mocha', 525, 'Espresso, chocolate and milk.']),
  coffee('beans-1kg', ['House beans, 1 kg', 2450, 'Whole beans, roasted weekly.']),
  electronics('headphones', ['Headphones', 12_800, 'Closed, with a cable that can be replaced.']),
  electronics('keyboard', ['Mechanical keyboard', 15_400, 'Brown switches, 87 keys.']),
  electronics('mouse', ['Mouse', 4_980, 'Three buttons and a wheel.']),
  electronics('monitor', ['Monitor, 27 inch', 39_800, '2560 × 1440.']),
  electronics('usb-hub', ['USB hub', 3_480, 'Seven ports, powered.']),
  electronics('webcam', ['Webcam', 7_980, '1080p with a lens cover.']),
  electronics('ssd-1tb', ['SSD, 1 TB', 10_980, 'NVMe.']),
  electronics('charger', ['Charger, 65 W', 5_480, 'Two USB-C ports.']),
];
