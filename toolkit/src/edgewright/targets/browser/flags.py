"""What a browser is started with.

Nothing but the page server on the loopback address may be reached: Chromium resolves no other
address (literal ones and ``localhost`` included), Firefox sends all else to a proxy on a port where
nothing listens. A route guard in the page comes on top (``driving``), as does the page's own
content security policy.
"""

from __future__ import annotations

from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
# Each window's address bar has two pages behind it, in a process of their own: of the three
# seconds of processor that opening a page took on two busy cores, one and a half were theirs.
ADDRESS_BAR = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
# Chromium takes the last list alone, so that of Playwright 1.64.1 is said again (a test compares).
OFF_IN_PLAYWRIGHT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "DialMediaRouteProvider", "GlobalMediaControls", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "PaintHolding", "ThirdPartyStoragePartitioning", "BlockOriginHeaderModificationOnRedirect",
    "AvoidCorsURLLoaderRestartOnRedirect", "Translate", "AutoDeElevate", "OptimizationHints",
    "NetworkTimeServiceQuerying", "AimEnabled", "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
)  # fmt: skip
# Playwright adds those that keep a browser from looking for updates, extensions and first runs.
CHROMIUM = (
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {LOOPBACK}",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    f"--disable-features={','.join((*OFF_IN_PLAYWRIGHT, *ADDRESS_BAR))}",
    "--disable-quic",
    "--no-pings",
    "--disable-domain-reliability",
    "--enable-unsafe-webgpu",  # without it there is no adapter where there is no display
    "--enable-unsafe-swiftshader",  # WebGL in software where there is no GPU; said in the row
)
DEAD_PORT = 9  # "discard": nobody listens there, and what would listen would answer nothing
FIREFOX: Mapping[str, str | float | bool] = {
    "network.proxy.type": 1,
    **{f"network.proxy.{kind}": LOOPBACK for kind in ("http", "ssl", "socks")},
    **{f"network.proxy.{kind}_port": DEAD_PORT for kind in ("http", "ssl", "socks")},
    "network.proxy.socks_remote_dns": True,
    "network.proxy.no_proxies_on": LOOPBACK,
    "network.proxy.allow_hijacking_localhost": True,
    "network.proxy.failover_direct": False,
    "network.proxy.allow_bypass": False,  # its own services may else go around a proxy
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "network.http.http3.enable": False,
    "media.peerconnection.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "app.update.disabledForTesting": True,
    "toolkit.telemetry.enabled": False,
}
