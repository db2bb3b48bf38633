// Platforms that the gateway posts to by their own interfaces, and films on their way there.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { type ApiError, api, data, type Schemas } from "../api/client.ts";
import { idempotencyKey } from "../api/queries.ts";
import type { PlatformId } from "./usePublication.ts";

export type Connector = Schemas["Connector"];
export type Delivery = Schemas["DeliveryView"];
export type NewDelivery = Schemas["NewDelivery"];

const AGAIN_MS = 2000;
const ENDED: Delivery["state"][] = ["done", "failed", "cancelled"];

export const isEnded = (delivery: Delivery) => ENDED.includes(delivery.state);

export function useConnectors() {
  return useQuery({ queryKey: ["connectors"], queryFn: () => data(api.GET("/api/v1/connectors")) });
}

export function useSignIn() {
  const client = useQueryClient();
  const path = (platform: PlatformId) => ({ params: { path: { platform } } });
  return {
    connect: useMutation<Schemas["SignIn"], ApiError, PlatformId>({
      mutationFn: (platform) => data(api.POST("/api/v1/connectors/{platform}/sign-in", path(platform))),
      onSuccess: ({ url }) => location.assign(url),
    }),
    disconnect: useMutation<unknown, ApiError, PlatformId>({
      mutationFn: (platform) => data(api.DELETE("/api/v1/connectors/{platform}", path(platform))),
      onSuccess: () => client.invalidateQueries({ queryKey: ["connectors"] }),
    }),
  };
}

export function useDeliveries(jobId: string) {
  const client = useQueryClient();
  const key = ["deliveries", jobId];
  const path = { params: { path: { job_id: jobId } } };
  const one = (id: string) => ({ params: { path: { delivery_id: id } } });
  const renew = () => {
    void client.invalidateQueries({ queryKey: key });
    void client.invalidateQueries({ queryKey: ["publication", jobId] });
  };
  const query = useQuery({
    queryKey: key,
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/deliveries", path)),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.items.some((each) => !isEnded(each)) ? AGAIN_MS : false),
  });
  // A press that got no answer is repeated with its key: the film is not posted twice.
  const pressed = useRef(idempotencyKey());
  const deliver = useMutation<Delivery, ApiError, NewDelivery>({
    mutationFn: (body) => {
      const params = { path: { job_id: jobId }, header: pressed.current };
      return data(api.POST("/api/v1/jobs/{job_id}/deliveries", { params, body }));
    },
    onSuccess: () => {
      pressed.current = idempotencyKey();
      renew();
    },
  });
  const cancel = useMutation<Delivery, ApiError, string>({
    mutationFn: (id) => data(api.POST("/api/v1/deliveries/{delivery_id}/cancel", one(id))),
    onSettled: renew,
  });
  const retry = useMutation<Delivery, ApiError, string>({
    mutationFn: (id) => data(api.POST("/api/v1/deliveries/{delivery_id}/retry", one(id))),
    onSettled: renew,
  });
  return { query, deliver, cancel, retry };
}
