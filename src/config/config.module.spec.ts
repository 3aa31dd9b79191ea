import { Inject, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { load } from '../../test/support/config.js';
import type { NestgraphConfig } from './config.js';
import { ConfigError } from './config.errors.js';
import { CONFIG, ConfigModule } from './config.module.js';

describe('a ConfigError', () => {
  it.each([
    [['a: wrong'], 'There is a problem in the configuration:\n  - a: wrong'],
    [['a: wrong', 'b: wrong'], 'There are 2 problems in the configuration:\n  - a: wrong\n  - b: wrong'],
  ])('lists every problem on a line of its own: %j', (problems, message) => {
    expect(new ConfigError(problems).message).toBe(message);
  });
});

describe('the config module', () => {
  it('provides the configuration to every module', async () => {
    @Injectable()
    class Reader {
      constructor(@Inject(CONFIG) readonly config: NestgraphConfig) {}
    }
    const config = load();
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config), { module: class Feature {}, providers: [Reader] }],
    }).compile();
    expect(module.get(Reader, { strict: false }).config).toBe(config);
  });
});
