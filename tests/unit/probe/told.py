"""Config dumps of sidecars with all five kinds of xDS, as Envoy nests them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

_ROOT = "type.googleapis.com/envoy.admin.v3."
_ADS = {"ads": {}, "resource_api_version": "V3"}
_SDS = {"api_config_source": {"grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}]}}


def told(
    *,
    listeners: Iterable[Any] = (),
    draining: Iterable[str] = (),
    routes: Iterable[Any] = (),
    clusters: Iterable[Any] = (),
    endpoints: Iterable[Any] = (),
    secrets: Iterable[Any] = (),
) -> str:
    ads = {"grpc_services": [{"envoy_grpc": {"cluster_name": "xds-grpc"}}]}
    return json.dumps(
        {
            "configs": [
                {
                    "@type": f"{_ROOT}BootstrapConfigDump",
                    "bootstrap": {
                        "dynamic_resources": {
                            "lds_config": _ADS,
                            "cds_config": _ADS,
                            "ads_config": ads,
                        }
                    },
                },
                {
                    "@type": f"{_ROOT}ClustersConfigDump",
                    "version_info": "7",
                    "static_clusters": [
                        _static("xds-grpc", {"pipe": {"path": "./etc/istio/proxy/XDS"}}),
                        _static("sds-grpc", {"pipe": {"path": "./var/run/socket"}}),
                        _static(
                            "agent",
                            {"socket_address": {"address": "127.0.0.1", "port_value": 15020}},
                        ),
                    ],
                    "dynamic_active_clusters": [
                        {"version_info": "7", "last_updated": "now", "cluster": each}
                        for each in clusters
                    ],
                },
                {
                    "@type": f"{_ROOT}EndpointsConfigDump",
                    "dynamic_endpoint_configs": [{"endpoint_config": each} for each in endpoints],
                },
                {
                    "@type": f"{_ROOT}ListenersConfigDump",
                    "dynamic_listeners": [
                        *(
                            {"name": each["name"], "active_state": {"listener": each}}
                            for each in listeners
                        ),
                        *(
                            {"name": name, "draining_state": {"listener": routed(name, name)}}
                            for name in draining
                        ),
                    ],
                },
                {
                    "@type": f"{_ROOT}RoutesConfigDump",
                    "static_route_configs": [{"route_config": {"name": "inline"}}],
                    "dynamic_route_configs": [{"route_config": each} for each in routes],
                },
                {
                    "@type": f"{_ROOT}SecretsConfigDump",
                    "dynamic_active_secrets": [{"secret": each} for each in secrets],
                },
            ]
        }
    )


def _static(name: str, address: Mapping[str, Any]) -> Any:
    endpoint = {"endpoint": {"address": address}}
    return {
        "cluster": {
            "name": name,
            "load_assignment": {"endpoints": [{"lb_endpoints": [endpoint]}]},
        }
    }


def routed(name: str, route: str) -> Any:
    manager = {"rds": {"config_source": _ADS, "route_config_name": route}}
    return {"name": name, "filter_chains": [{"filters": [{"typed_config": manager}]}]}


def eds(name: str, **rest: Any) -> Any:
    tls = {"common_tls_context": {"tls_certificate_sds_secret_configs": [{"sds_config": _SDS}]}}
    return {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _ADS},
        "transport_socket": {"typed_config": tls},
        **rest,
    }


def endpoint(cluster: str, *addresses: str) -> Any:
    return {"cluster_name": cluster, "endpoints": list(addresses)}


def in_base64(text: str) -> Any:
    return {"inline_bytes": base64.b64encode(text.encode()).decode()}
