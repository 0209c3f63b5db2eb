from churn.api import app
from fastapi.testclient import TestClient

client = TestClient(app)


def test_predict_returns_a_probability():
    answer = client.post("/predict", json={"customer": "c1", "spend": [10.0] * 12})
    assert answer.status_code == 200
    assert 0.0 <= answer.json()["probability"] <= 1.0


def test_a_short_series_is_refused():
    assert client.post("/predict", json={"customer": "c1", "spend": [10.0]}).status_code == 422


def test_predictions_are_counted():
    client.post("/predict", json={"customer": "c1", "spend": [10.0] * 12})
    assert "churn_predictions_total" in client.get("/metrics").text
