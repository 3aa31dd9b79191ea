import { Global, Module } from '@nestjs/common';
import { StreamLimit } from './stream-limit.js';

/** The limits that routes share. */
@Global()
@Module({ providers: [StreamLimit], exports: [StreamLimit] })
export class LimitsModule {}
