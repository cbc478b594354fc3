"""How the emulated exchange describes its markets in exchangeInfo; `exchange_emulator` serves it."""

from typing import Any


def symbol_info(symbol: str) -> dict[str, Any]:
    """A spot market, by a symbol like BTC/USDT."""
    base, _, quote = symbol.partition("/")
    price = {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000"}
    lot = {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000"}
    notional = {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True}
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {**price, "tickSize": "0.01000000"},
            {**lot, "stepSize": "0.00001000"},
            {**notional, "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": ["SPOT", "MARGIN"],
    }


def contract_info(symbol: str) -> dict[str, Any]:
    """A perpetual of the USD-M futures, by a symbol like BTC/USDT:USDT."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    price = {"filterType": "PRICE_FILTER", "minPrice": "402", "maxPrice": "1246396.60", "tickSize": "0.10"}
    lot = {"stepSize": "0.001", "maxQty": "1000", "minQty": "0.001"}
    return {
        "symbol": base + quote,
        "pair": base + quote,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404802000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "marginAsset": settle,
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [
            price,
            {**lot, "filterType": "LOT_SIZE"},
            {**lot, "filterType": "MARKET_LOT_SIZE"},
            {"notional": "10", "filterType": "MIN_NOTIONAL"},
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC"],
    }
