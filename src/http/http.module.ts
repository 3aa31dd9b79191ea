import { Global, Module } from '@nestjs/common';
import { OpenResponses } from './open-responses.js';

/** What the routes of one server share. */
@Global()
@Module({ providers: [OpenResponses], exports: [OpenResponses] })
export class HttpModule {}
