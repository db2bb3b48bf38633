import type { UseMutationResult } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ApiError, Schemas } from "../api/client.ts";
import { when } from "../lib/format.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { Failure } from "../ui/Notice.tsx";
import { tell } from "../ui/Toasts.tsx";
import type { Platform, Post, Publication } from "./usePublication.ts";

type Props = {
  platform: Platform;
  name: string;
  posts: Post[];
  post: UseMutationResult<Publication, ApiError, Schemas["NewPost"]>;
  unpost: UseMutationResult<Publication, ApiError, string>;
};

/** Where the work was posted, told by its maker. */
export function Posts({ platform, name, posts, post, unpost }: Props) {
  const { t, i18n } = useTranslation();
  const [url, setUrl] = useState("");
  const id = useId();
  const keep = (event: FormEvent) => {
    event.preventDefault();
    if (!url.trim()) return;
    post.mutate({ platform: platform.id, url }, { onSuccess: () => setUrl("") });
  };
  const forget = (told: Post) =>
    unpost.mutate(told.id, {
      onSuccess: () => tell(t("publish.forgotten"), () => post.mutate({ platform: told.platform, url: told.url })),
    });
  const mine = post.variables?.platform === platform.id;
  return (
    <div className="posts">
      {posts.map((told) => (
        <p key={told.id} className="post">
          <a href={told.url} target="_blank" rel="noopener noreferrer">
            {told.url.replace(/^https?:\/\/(www\.)?/, "")}
          </a>
          <span className="hint">{when(told.time, i18n.language)}</span>
          <IconButton icon="delete" label={t("publish.forget", { url: told.url })} onClick={() => forget(told)} />
        </p>
      ))}
      <form className="post-form" onSubmit={keep}>
        <label htmlFor={id} className="label">
          {t("publish.postedAt", { name })}
        </label>
        <input
          id={id}
          className="input"
          type="url"
          inputMode="url"
          placeholder="https://"
          value={url}
          maxLength={2000}
          onChange={(event) => setUrl(event.target.value)}
        />
        <Button type="submit" icon="check" busy={mine && post.isPending}>
          {t("publish.keep")}
        </Button>
      </form>
      {mine && post.error && <Failure error={post.error} />}
    </div>
  );
}
