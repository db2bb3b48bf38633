// Every call to the gateway: typed by its OpenAPI document, and failing with one kind of error.
import createClient from "openapi-fetch";
import { connectionLost, connectionWorks, signIn } from "../lib/connection.ts";
import type { components, paths } from "./schema.d.ts";

export type Schemas = components["schemas"];
export type Job = Schemas["JobView"];
export type JobState = Job["state"];
export type Progress = Schemas["Progress"];
export type FilmRequest = Schemas["FilmRequest"];
export type Footage = Schemas["Footage"];
export type Voice = Schemas["Voice"];
export type EngineVoice = Schemas["EngineVoice"];
export type Music = Schemas["Music"];
export type Font = Schemas["Font"];
export type Style = Schemas["Style"];
export type ScriptView = Schemas["ScriptView"];
export type ServiceState = Schemas["ServiceState"];
export type Problem = Schemas["Problem"];

/** What the gateway answered instead of what was asked for; `problem` and `remedy` are sentences for people. */
export class ApiError extends Error {
  readonly reason: string;
  readonly status: number;
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;

  constructor(told: Partial<Problem>) {
    super(told.detail ?? told.problem ?? "");
    this.reason = told.reason ?? "UNKNOWN";
    this.status = told.status ?? 0;
    this.field = told.field ?? "";
    this.problem = told.problem ?? "";
    this.remedy = told.remedy ?? "";
  }
}

/** Fetch that tells the page whether the gateway can be reached. Aborted requests say nothing about that. */
export async function reach(input: Request): Promise<Response> {
  try {
    const response = await fetch(input);
    connectionWorks();
    if (response.status === 401) signIn();
    return response;
  } catch (error) {
    if (input.signal.aborted) throw error;
    connectionLost();
    throw new ApiError({ reason: "OFFLINE" });
  }
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: reach });

/** The data of an answer. Throws ApiError. */
export async function data<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(error, response.status);
  return data as T;
}

export function problemOf(told: unknown, status: number): ApiError {
  const known = typeof told === "object" && told !== null ? (told as Partial<Problem>) : {};
  return new ApiError({ status, ...known });
}
